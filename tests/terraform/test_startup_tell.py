"""What a machine says of itself in its guest attributes."""

import os
import re

import pytest

from tests.terraform.machine import MODULE, PRESSURE, Machine

NOW = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def stages(machine: Machine) -> list[str]:
    puts = [call for call in machine.calls("curl") if "attributes/stationmaster/boot-stage" in call]
    return re.findall(rf"--data-binary (\w+) {NOW}", "\n".join(puts))


def test_a_good_boot_goes_through_its_stages_and_ends_as_ready(machine: Machine) -> None:
    machine.attach_disk()
    assert machine.boot()[0] == 0
    assert stages(machine) == ["disk", "keys", "ready"]
    assert re.fullmatch(f"ready {NOW}", machine.told("boot-stage"))


def test_a_mounted_disk_is_told_with_its_device_and_free_space(machine: Machine) -> None:
    machine.attach_disk("ext4 of-grace")
    machine.boot()
    space = "size=10000000 free=4000000 boot_size=10000000 boot_free=4000000 at="
    expected = f"state=mounted volume={machine.link} device={machine.device} type=ext4 {space}"
    assert machine.told("mount").startswith(expected)
    assert machine.told("mount").endswith(" reason=")


def test_a_partitioned_disk_is_told_by_its_partition(machine: Machine) -> None:
    machine.attach_partitioned_disk("ext4 of-the-image")
    machine.boot()
    assert f"state=mounted volume={machine.link}-part1 device={machine.device}1" in machine.told("mount")


@pytest.mark.parametrize(
    ("holds", "reason"),
    [("xfs 5f3a", "is neither ext4 nor certainly blank"), ("ext4 of-grace", "cannot be mounted at")],
)
def test_a_disk_that_is_not_mounted_is_told_with_the_reason(machine: Machine, holds: str, reason: str) -> None:
    machine.attach_disk(holds)
    machine.break_command("mount")
    assert machine.boot()[0] == 1
    assert machine.told("mount").startswith(f"state=unmounted volume={machine.link} device={machine.device} type=")
    assert reason in machine.told("mount").partition(" reason=")[2]
    assert "\n" not in machine.told("mount")
    assert stages(machine) == ["disk", "keys", "failed"]


def test_a_disk_that_is_not_there_is_told_as_absent(machine: Machine) -> None:
    machine.boot()
    assert machine.told("mount").startswith(f"state=absent volume={machine.link} ")
    assert "did not appear" in machine.told("mount").partition(" reason=")[2]


@pytest.mark.parametrize(
    ("vendor", "version", "state"),
    [("0x8086", "", "none"), ("0x10de", "580.95.05", "ok 580.95.05"), ("0x10de", "", f"broken {os.uname().release}")],
)
def test_the_gpu_driver_is_told(machine: Machine, vendor: str, version: str, state: str) -> None:
    machine.add_pci_device(vendor)
    if version:
        (machine.folder / "driver-version").write_text(f"{version}\n{version}\n")
    machine.boot()
    assert machine.told("driver") == state


def test_a_driver_that_is_not_installed_is_told_as_missing(machine: Machine) -> None:
    machine.add_pci_device("0x10de")
    (machine.folder / "bin/nvidia-smi").unlink()
    machine.boot()
    assert machine.told("driver") == "missing"


def test_a_driver_that_breaks_while_the_machine_runs_is_told_within_the_minute(machine: Machine) -> None:
    machine.add_pci_device("0x10de")
    (machine.folder / "driver-version").write_text("580.95.05\n")
    machine.boot()
    (machine.folder / "driver-version").write_text("NVIDIA-SMI has failed because it couldn't communicate\n")
    machine.tell_again()
    assert machine.told("driver").startswith("broken ")


def test_memory_is_told_every_minute(machine: Machine) -> None:
    machine.boot()
    (machine.folder / "proc/pressure/memory").write_text(PRESSURE.format("12.50"))
    machine.tell_again()
    expected = f"total={16393220 << 10} available={12000000 << 10} pressure=12.50 kills=0 killed_at= at={NOW} killed="
    assert re.fullmatch(expected, machine.told("memory"))


def test_a_kernel_that_does_not_measure_pressure_leaves_it_out(machine: Machine) -> None:
    machine.boot()
    (machine.folder / "proc/pressure/memory").unlink()
    machine.tell_again()
    assert " pressure= kills=0 " in machine.told("memory")


def test_what_linux_ended_for_want_of_memory_is_told_with_its_time(machine: Machine) -> None:
    machine.boot()
    machine.tell_again()
    machine.count_kills(2)
    log = "Out of memory: Killed process {} total-vm:9kB, anon-rss:8kB\n"
    (machine.folder / "kernel-log").write_text(log.format("17 (bash)") + log.format("4242 (python3 train)"))
    machine.tell_again()
    first = machine.told("memory")
    assert re.search(rf" kills=2 killed_at={NOW} at={NOW} killed=python3 train$", first)
    machine.tell_again()
    # The time is that of the kill, however often it is told.
    killed_at = next(word for word in first.split() if word.startswith("killed_at="))
    assert killed_at in machine.told("memory").split()


def test_the_last_use_is_told_as_now_while_somebody_is_logged_in_and_then_as_the_last_login(machine: Machine) -> None:
    machine.boot()
    machine.tell_again()
    assert not (machine.folder / "attributes/used").exists()
    (machine.folder / "journal").write_text("2026-03-01T10:00:00+0000 dev sshd[7]: Accepted publickey for grace\n")
    machine.tell_again()
    assert machine.told("used") == "2026-03-01T10:00:00+0000"
    (machine.folder / "sessions").write_text("3 1001 grace - 912 user pts/0 no -\n")
    machine.tell_again()
    assert re.fullmatch(NOW, machine.told("used"))


def test_a_disk_made_larger_grows_while_it_is_mounted(machine: Machine) -> None:
    machine.attach_disk("ext4 of-grace")
    machine.boot()
    machine.tell_again()
    (machine.folder / "calls").write_text("")
    machine.tell_again()
    assert machine.calls("resize2fs") == []
    with machine.device.open("r+b") as device:
        device.truncate(16 * 1024 * 1024)
    machine.tell_again()
    assert machine.calls("resize2fs") == [f"resize2fs {machine.link}"]


def test_systemd_tells_again_what_changes_while_it_runs(machine: Machine) -> None:
    machine.attach_disk("ext4 of-grace")
    machine.add_pci_device("0x10de")
    machine.break_command("mount")
    machine.boot()
    telling, _, agent = machine.calls("systemd-run")
    timer = "--unit=stationmaster-tell --on-active=60 --on-unit-active=60"
    assert telling == f"systemd-run --quiet {timer} bash {machine.telling}"
    assert agent.startswith("systemd-run --quiet --unit=stationmaster-agent --property=Restart=always ")
    (machine.folder / "mounts").write_text(f"{machine.device} {machine.mount_point}\n")
    (machine.folder / "driver-version").write_text("580.95.05\n")
    machine.tell_again()
    assert machine.told("mount").startswith("state=mounted")
    assert machine.told("mount").endswith(" reason=")
    assert machine.told("driver") == "ok 580.95.05"
    assert machine.told("boot-stage").startswith("failed ")


def test_systemd_starts_the_agent_with_all_of_its_files(machine: Machine) -> None:
    machine.boot()
    agent = machine.folder / "run/agent"
    assert machine.calls("systemd-run")[-1].endswith(f" python3 {agent / 'agent.py'}")
    parts = {part.name: part.read_text() for part in MODULE.glob("agent*.py")}
    assert {part.name: part.read_text() for part in agent.iterdir()} == {**parts, "portal": "\n"}


def test_the_agent_is_told_where_the_portal_is(machine: Machine) -> None:
    (machine.folder / "portal").write_text("https://portal.example")
    machine.boot()
    assert (machine.folder / "run/agent/portal").read_text() == "https://portal.example\n"


def test_a_machine_that_cannot_tell_boots_all_the_same(machine: Machine) -> None:
    machine.attach_disk()
    machine.boot()
    machine.break_command("curl")
    machine.break_command("systemd-run")
    _, said = machine.restart()
    assert machine.mounted
    assert "The portal could not be told: mount is state=mounted" in said
