"""What goes wrong in a running machine, as its report says it within a moment, and how it is mended."""

from pathlib import Path

import pytest

from tests.emulator.machines.ssh import Key, Ssh, make_key
from tests.emulator.world import World, nat_ip, refused, until
from tests.emulator_process import CallError

GB = 1 << 30


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("laptop")


@pytest.fixture(scope="module")
def key(folder: Path) -> Key:
    return make_key(folder / "id_ed25519")


def booted(world: World, name: str, key: Key, **state: str) -> str:
    instance = world.workstation(name, key.public, world.disk(f"{name}-home", size=20), **state)
    world.boot_report(instance)
    return instance


def happens(world: World, trouble: str, name: str, **values: object) -> None:
    world.emulator.call("POST", "/_emulator/faults", {"preset": trouble, "id": f"/{name}$", **values})


def words(world: World, instance: str, attribute: str) -> dict[str, str]:
    report = world.boot_report(instance).get(attribute, "")
    return dict(word.partition("=")[::2] for word in report.split())


def logged_in(world: World, instance: str, key: Key, folder: Path) -> Ssh:
    host_key = world.boot_report(instance)["hostkeys-ssh-ed25519"]
    return Ssh(nat_ip(world.read("google_compute_instance", instance)), host_key, key, folder)


def test_disks_fill_to_what_is_said_and_are_emptied_again(world: World, key: Key) -> None:
    instance = booted(world, "full-disks", key)
    happens(world, "fill-disk", "full-disks", percent=96)
    happens(world, "fill-boot-disk", "full-disks", percent=85)
    mount = until(lambda: words(world, instance, "mount"))
    assert (int(mount["size"]), int(mount["free"])) == (20 * GB, 20 * GB * 4 // 100)
    assert int(mount["boot_free"]) == 50 * GB * 15 // 100
    happens(world, "mend", "full-disks")
    assert int(words(world, instance, "mount")["free"]) > 19 * GB


def test_a_full_disk_that_is_made_larger_has_space_without_a_boot(world: World, key: Key) -> None:
    instance = booted(world, "cramped", key)
    happens(world, "fill-disk", "cramped", percent=96)
    disk = instance.replace("/instances/cramped", "/disks/cramped-home")
    world.update("google_compute_disk", disk, {**world.read("google_compute_disk", disk), "size": 40})
    until(lambda: words(world, instance, "mount")["size"] == str(40 * GB))
    assert int(words(world, instance, "mount")["free"]) == 20 * GB + 20 * GB * 4 // 100


def test_a_broken_driver_is_told_and_mended_by_building_its_module(world: World, key: Key, folder: Path) -> None:
    instance = booted(world, "driverless", key, machine_type="g2-standard-8")
    happens(world, "break-driver", "driverless")
    assert world.boot_report(instance)["driver"].startswith("broken ")
    ssh = logged_in(world, instance, key, folder)
    failed = ssh.run("nvidia-smi")
    assert (failed.returncode, failed.stdout[:21]) == (9, b"NVIDIA-SMI has failed")
    assert ssh.run("sudo modprobe nvidia").returncode == 1
    ssh.out("sudo apt-get install --yes linux-headers-$(uname -r) && sudo dkms autoinstall && sudo modprobe nvidia")
    assert world.boot_report(instance)["driver"] == "ok 580.95.05"


def test_memory_is_told_with_pressure_and_what_linux_has_ended(world: World, key: Key) -> None:
    instance = booted(world, "starving", key)
    happens(world, "low-memory", "starving")
    memory = words(world, instance, "memory")
    assert (memory["total"], memory["available"]) == (str(16 * GB), str(int((16 << 20) * 0.02) << 10))
    assert (memory["pressure"], memory["kills"]) == ("31.00", "0")
    happens(world, "oom-kill", "starving")
    memory = words(world, instance, "memory")
    assert (memory["kills"], memory["killed"]) == ("1", "python3")
    assert "Out of memory: Killed process 4201 (python3)" in world.rest(f"{instance}/serialPort")["contents"]


def test_a_blocked_port_answers_nobody_until_a_restart(world: World, key: Key, folder: Path) -> None:
    instance = booted(world, "deaf", key)
    ssh = logged_in(world, instance, key, folder)
    ssh.out("true")
    happens(world, "block-ssh", "deaf")
    assert ssh.run("true").returncode == 255
    world.operation_done(world.rest(f"{instance}/reset", "POST"))
    until(lambda: ssh.run("true").returncode == 0)


def test_a_machine_that_does_not_run_has_no_trouble(world: World, key: Key) -> None:
    instance = booted(world, "quiet", key)
    world.operation_done(world.rest(f"{instance}/stop", "POST"))
    happens(world, "fill-disk", "quiet")
    assert refused(lambda: world.rest(f"{instance}/serialPort"))["errors"][0]["reason"] == "resourceNotReady"


def test_a_percentage_that_is_none_is_refused(world: World) -> None:
    with pytest.raises(CallError) as caught:
        happens(world, "fill-disk", "nobody", percent=101)
    assert caught.value.status == 422


def test_the_serial_console_has_the_boot_and_the_startup_scripts_lines(world: World, key: Key) -> None:
    instance = booted(world, "printing", key, machine_type="g2-standard-8")
    whole = world.rest(f"{instance}/serialPort")
    lines = whole["contents"].split("\r\n")
    assert "Total RAM Size = 0x0000000800000000 = 32768 MiB" in lines
    assert any("Hostname set to <printing>" in line for line in lines)
    assert any("NVRM: loading NVIDIA" in line for line in lines)
    assert any(line.endswith("startup-script: stationmaster: The machine is ready.") for line in lines)
    assert whole["start"] == "0"


def test_the_serial_console_is_read_on_from_where_it_ended_or_from_its_end(world: World, key: Key) -> None:
    instance = booted(world, "rolling", key)
    whole = world.rest(f"{instance}/serialPort")
    happens(world, "oom-kill", "rolling")
    rest = world.rest(f"{instance}/serialPort?port=1&start={whole['next']}")
    assert rest["start"] == whole["next"]
    assert rest["contents"].startswith("[  812.401187] Out of memory")
    last = world.rest(f"{instance}/serialPort?start=-10")
    assert last["contents"] == rest["contents"][-10:]
    assert int(last["next"]) - int(last["start"]) == 10
    assert refused(lambda: world.rest(f"{instance}/serialPort?start=soon"))["code"] == 400
