"""What survives a restart, and a power cut."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulator.machines.ssh import Ssh, make_key
from tests.emulator.world import IN_ZONE, PROJECT, World, nat_ip, until
from tests.emulator_process import start_emulator

CREATE = """
import json, sys, urllib.request as u
url, state = sys.argv[1], json.loads(sys.argv[2])
u.urlopen(u.Request(url, method="POST", data=json.dumps({"state": state}).encode()), timeout=600)
"""


@pytest.fixture
def own(tmp_path: Path) -> Iterator[World]:
    emulator = start_emulator(tmp_path)
    yield World(emulator)
    emulator.stop()


@pytest.mark.parametrize("power_cut", [False, True])
def test_machines_come_back_with_their_addresses_keys_and_files(own: World, tmp_path: Path, power_cut: bool) -> None:
    key = make_key(tmp_path / "key")
    instance = own.workstation("comes-back", key.public, own.disk("comes-back-home"))
    host_key, before = own.boot_report(instance)["hostkeys-ssh-ed25519"], own.read("google_compute_instance", instance)
    ssh = Ssh(nat_ip(before), host_key, key, tmp_path)
    ssh.out("echo one > ~/file; echo two > /home/jupyter/file; setsid -f sleep 4321 > /dev/null 2>&1")
    url, objects = own.emulator.url, own.emulator.objects()
    if power_cut:
        own.emulator.kill()
    else:
        own.emulator.stop()
    until(lambda: not is_running("sleep 4321"))
    own.emulator.start()
    assert own.emulator.url == url
    assert [thing["id"] for thing in own.emulator.objects()] == [thing["id"] for thing in objects]
    until(lambda: ssh.run("test", "-d", "/home/jupyter").returncode == 0)
    assert ssh.out("cat ~/file /home/jupyter/file") == "one\ntwo"
    assert own.read("google_compute_instance", instance) == before


def test_what_was_under_way_at_a_power_cut_is_finished_and_its_name_is_taken(tmp_path: Path) -> None:
    emulator = start_emulator(tmp_path, latency="100")
    world = World(emulator)
    id_ = f"{IN_ZONE}/instances/half-made"
    body = f'{{"id": "{id_}", "machine_type": "e2-standard-4"}}'
    with subprocess.Popen(
        [sys.executable, "-c", CREATE, f"{emulator.url}/terraform/google_compute_instance/{id_}", body]
    ):
        # The name is taken from the start, and everybody sees that it is in progress.
        until(lambda: emulator.objects("google_compute_instance"))
        assert world.rest(id_)["status"] == "PROVISIONING"
        operation = world.rest(f"{IN_ZONE}/operations?filter=status!=DONE")["items"][0]
        assert (operation["operationType"], operation["status"]) == ("insert", "RUNNING")
        emulator.kill()
    emulator.start()
    assert world.rest(id_)["status"] == "RUNNING"
    done = world.rest(f"projects/{PROJECT}/zones/europe-west4-a/operations/{operation['name']}")
    assert done["status"] == "DONE"
    emulator.stop()


def test_a_caller_that_hangs_up_does_not_stop_the_operation_and_another_change_has_to_wait(tmp_path: Path) -> None:
    emulator = start_emulator(tmp_path, latency="0.3")
    world = World(emulator)
    id_ = f"{IN_ZONE}/instances/goes-on"
    body = f'{{"id": "{id_}", "machine_type": "e2-standard-4"}}'
    url = f"{emulator.url}/terraform/google_compute_instance/{id_}"
    with subprocess.Popen([sys.executable, "-c", CREATE, url, body]) as terraform:
        until(lambda: emulator.objects("google_compute_instance"))
        terraform.kill()
    with pytest.raises(Exception, match="is not ready"):
        world.delete("google_compute_instance", id_)
    until(lambda: world.rest(id_)["status"] == "RUNNING")
    world.delete("google_compute_instance", id_)
    emulator.stop()


def is_running(command: str) -> bool:
    done = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return command in done.stdout.splitlines()
