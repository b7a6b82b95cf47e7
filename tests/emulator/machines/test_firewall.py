"""Who may reach a machine's SSH port: from where the firewall allows it, with the real ssh."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.emulator.machines.ssh import Key, Ssh, make_key
from tests.emulator.world import PROJECT, World, nat_ip

TAG = "stationmaster-workstation"


@pytest.fixture(scope="module")
def ssh(world: World, tmp_path_factory: pytest.TempPathFactory) -> Ssh:
    folder = tmp_path_factory.mktemp("laptop")
    key: Key = make_key(folder / "id_ed25519")
    disk = world.disk("walled-home")
    instance = world.workstation("walled", key.public, disk, tags=[TAG])
    host_key = world.boot_report(instance)["hostkeys-ssh-ed25519"]
    return Ssh(nat_ip(world.read("google_compute_instance", instance)), host_key, key, folder)


@pytest.fixture(autouse=True)
def hardened(world: World) -> Iterator[None]:
    """An organisation that takes away what Google opens by itself."""
    world.emulator.call("PATCH", "/_emulator/project", {"default_allow_ssh": False})
    yield
    world.emulator.call("PATCH", "/_emulator/project", {"default_allow_ssh": True})


def rule(world: World, **state: Any) -> str:
    id_ = f"projects/{PROJECT}/global/firewalls/{world.new_name('rule')}"
    said = {"network": "default", "target_tags": [TAG], "source_ranges": ["127.0.0.1/32"], **state}
    world.create("google_compute_firewall", id_, {"allow": [{"protocol": "tcp", "ports": ["22"]}], **said})
    return id_


def is_let_in(ssh: Ssh, source: str = "127.0.0.1") -> bool:
    done = ssh.run("true", options=["-o", f"BindAddress={source}"])
    # Reset while connecting ("by peer"), or a moment later.
    assert done.returncode == 0 or re.search(rb"reset by", done.stderr), done.stderr
    return done.returncode == 0


def test_the_network_default_is_open_for_ssh_until_somebody_closes_it(world: World, ssh: Ssh) -> None:
    assert not is_let_in(ssh)
    world.emulator.call("PATCH", "/_emulator/project", {"default_allow_ssh": True})
    assert is_let_in(ssh)


def test_a_rule_lets_in_whom_it_names(world: World, ssh: Ssh) -> None:
    allowed = rule(world)
    assert is_let_in(ssh)
    assert not is_let_in(ssh, "127.9.9.9")
    world.delete("google_compute_firewall", allowed)
    assert not is_let_in(ssh)


def test_a_rule_for_other_machines_or_ports_lets_nobody_in(world: World, ssh: Ssh) -> None:
    other = [rule(world, target_tags=["mlflow-server"]), rule(world, allow=[{"protocol": "tcp", "ports": ["5000"]}])]
    assert not is_let_in(ssh)
    for id_ in other:
        world.delete("google_compute_firewall", id_)


def test_a_session_goes_on_when_its_rule_is_gone(world: World, ssh: Ssh) -> None:
    allowed, socket = rule(world), ssh.folder / "master"
    shared = ["-o", f"ControlPath={socket}"]
    assert ssh.run("true", options=[*shared, "-o", "ControlMaster=auto", "-o", "ControlPersist=60"]).returncode == 0
    world.delete("google_compute_firewall", allowed)
    assert not is_let_in(ssh)
    assert ssh.out("echo still here", options=shared) == "still here"
    ssh.run(options=[*shared, "-O", "exit"])
