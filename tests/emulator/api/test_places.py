"""Machines where namespaces or addresses are not to be had, and many machines at once."""

import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.emulator.machines.ssh import Ssh, make_key
from tests.emulator.world import IN_ZONE, World, machine, nat_ip, until
from tests.emulator_process import start_emulator

MANY = 10


def test_without_namespaces_one_can_still_log_in_and_copy_and_is_told(tmp_path: Path) -> None:
    emulator = start_emulator(tmp_path, PATH="/nowhere")
    world, key = World(emulator), make_key(tmp_path / "key")
    assert "machines have no /home/jupyter" in emulator.log
    instance = world.instance(metadata=machine(**{"ssh-keys": f"grace:{key.public}"})["metadata"])
    address = nat_ip(world.read("google_compute_instance", instance))
    ssh = Ssh(address, world.host_key(instance), key, tmp_path)
    assert ssh.out("echo $USER; basename $HOME; touch ~/here") == "grace\ngrace"
    assert ssh.out("tty", options=["-tt"]).startswith("/dev/pts/")
    ssh.copy(tmp_path / "key.pub", "HOST:copied")
    assert ssh.out("cat ~/copied") == key.public
    with subprocess.Popen(ssh.command("exec sleep 4711"), stderr=subprocess.DEVNULL) as session:
        until(lambda: is_running("sleep 4711"))
        emulator.stop()
        assert session.wait(20) == 255
    until(lambda: not is_running("sleep 4711"))


def test_without_namespaces_a_workstation_tells_its_keys_and_that_it_has_no_disk(tmp_path: Path) -> None:
    emulator = start_emulator(tmp_path, PATH="/nowhere")
    world, key = World(emulator), make_key(tmp_path / "key")
    instance = world.workstation("bare", key.public, world.disk())
    report = world.boot_report(instance)
    assert report["boot-stage"].startswith("failed ")
    assert "state=absent" in report["mount"]
    address = nat_ip(world.read("google_compute_instance", instance))
    assert Ssh(address, report["hostkeys-ssh-ed25519"], key, tmp_path).out("echo in") == "in"
    emulator.stop()


def test_in_a_container_machines_share_an_address_and_have_a_port_each(tmp_path: Path) -> None:
    base = free_stretch()
    emulator = start_emulator(tmp_path, EMULATOR_SSH_LISTEN="127.0.0.1", EMULATOR_SSH_BASE_PORT=str(base))
    world = World(emulator)
    for number in (1, 2):
        instance = world.instance()
        assert nat_ip(world.read("google_compute_instance", instance)) == f"127.77.0.{number}"
        world.host_key(instance)
        with socket.create_connection(("127.0.0.1", base + number), timeout=10) as connection:
            assert connection.recv(8) == b"SSH-2.0-"
    # Published ports are few: the lowest one that is free is used again.
    world.delete("google_compute_instance", emulator.objects("google_compute_instance")[0]["id"])
    assert nat_ip(world.read("google_compute_instance", world.instance())) == "127.77.0.1"
    emulator.stop()


def test_many_machines_are_made_at_the_same_time(tmp_path: Path) -> None:
    emulator = start_emulator(tmp_path, latency="0.5")
    world = World(emulator)
    with ThreadPoolExecutor(MANY) as threads:
        made = [threads.submit(world.instance) for _ in range(MANY)]
        in_progress = f"{IN_ZONE}/operations?filter=status!=DONE"
        until(lambda: len(world.rest(in_progress).get("items", [])) == MANY)
        instances = [one.result() for one in made]
    addresses = {nat_ip(world.read("google_compute_instance", instance)) for instance in instances}
    assert len(addresses) == MANY
    for instance in instances:
        world.host_key(instance)
    emulator.stop()


def free_stretch() -> int:
    """A port with two free ones after it."""
    with socket.socket() as first:
        first.bind(("127.0.0.1", 0))
        base = int(first.getsockname()[1])
        for following in (base + 1, base + 2):
            with socket.socket() as other:
                if other.connect_ex(("127.0.0.1", following)) == 0:
                    return free_stretch()
    return base


def is_running(command: str) -> bool:
    done = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return command in done.stdout.splitlines()
