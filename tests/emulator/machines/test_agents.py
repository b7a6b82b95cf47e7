"""Machines and the keys in a real ssh-agent."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.emulator.machines.ssh import Key, Ssh, make_key
from tests.emulator.world import World, nat_ip


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return make_key(tmp_path_factory.mktemp("laptop") / "id_ed25519")


@pytest.fixture(scope="module")
def ssh(world: World, key: Key) -> Ssh:
    instance = world.workstation("agents", key.public, world.disk("agents-home"))
    host_key = world.boot_report(instance)["hostkeys-ssh-ed25519"]
    return Ssh(nat_ip(world.read("google_compute_instance", instance)), host_key, key, key.path.parent)


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An agent that the client asks; yields its socket."""
    socket = tmp_path / "agent"
    started = subprocess.run(["ssh-agent", "-a", socket], capture_output=True, text=True, check=True)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
    yield socket
    [pid] = re.findall(r"SSH_AGENT_PID=(\d+)", started.stdout)
    os.kill(int(pid), signal.SIGTERM)


def add_strangers(folder: Path, number: int) -> None:
    for each in range(number):
        subprocess.run(["ssh-add", "-q", make_key(folder / f"stranger-{each}").path], check=True)


@pytest.mark.usefixtures("agent")
def test_a_client_that_offers_six_wrong_keys_is_sent_away_as_by_sshd(ssh: Ssh, tmp_path: Path) -> None:
    add_strangers(tmp_path, 7)

    refused = replace(ssh, offers_agents_keys=True).run("true")

    assert refused.returncode == 255
    assert b"Too many authentication failures" in refused.stderr
    assert ssh.out("whoami") == "grace"


@pytest.mark.usefixtures("agent")
def test_the_sixth_key_may_be_the_right_one(ssh: Ssh, tmp_path: Path) -> None:
    add_strangers(tmp_path, 5)

    assert replace(ssh, offers_agents_keys=True).out("whoami") == "grace"


@pytest.mark.usefixtures("agent")
def test_a_key_that_only_the_agent_has_is_found_by_its_public_key(ssh: Ssh, tmp_path: Path) -> None:
    add_strangers(tmp_path, 7)
    subprocess.run(["ssh-add", "-q", ssh.key.path], check=True)
    (tmp_path / "office.pub").write_text(ssh.key.public)

    assert replace(ssh, key=Key(tmp_path / "office")).out("whoami") == "grace"
