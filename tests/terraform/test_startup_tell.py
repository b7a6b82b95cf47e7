"""What a machine says of itself in its guest attributes."""

import re

import pytest

from tests.terraform.machine import Machine

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
    [("0x8086", "", "none"), ("0x10de", "580.95.05", "ok 580.95.05"), ("0x10de", "", "missing")],
)
def test_the_gpu_driver_is_told(machine: Machine, vendor: str, version: str, state: str) -> None:
    machine.add_pci_device(vendor)
    if version:
        (machine.folder / "driver-version").write_text(f"{version}\n{version}\n")
    machine.boot()
    assert machine.told("driver") == state


def test_systemd_tells_again_what_changes_while_it_runs(machine: Machine) -> None:
    machine.attach_disk("ext4 of-grace")
    machine.add_pci_device("0x10de")
    machine.break_command("mount")
    machine.boot()
    assert machine.calls("systemd-run") == [
        f"systemd-run --quiet --unit=stationmaster-tell --on-active=60 --on-unit-active=60 bash {machine.telling}"
    ]
    (machine.folder / "mounts").write_text(f"{machine.device} {machine.mount_point}\n")
    (machine.folder / "driver-version").write_text("580.95.05\n")
    machine.tell_again()
    assert machine.told("mount").startswith("state=mounted")
    assert machine.told("mount").endswith(" reason=")
    assert machine.told("driver") == "ok 580.95.05"
    assert machine.told("boot-stage").startswith("failed ")


def test_a_machine_that_cannot_tell_boots_all_the_same(machine: Machine) -> None:
    machine.attach_disk()
    machine.boot()
    machine.break_command("curl")
    machine.break_command("systemd-run")
    _, said = machine.restart()
    assert machine.mounted
    assert "The portal could not be told: mount is state=mounted" in said
