"""What is read from a machine's guest attributes, where anybody on the machine may write."""

from datetime import UTC, datetime

import pytest

from app.models.machine_report import BootStage, Home, MachineReport, MountState

KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIJz1Qn8uFTb9bX0p0Y0n1p0sXQ0v8Q7Yl6m0f0l3c1aB"
DISK = "/dev/disk/by-id/google-home"
AT = "2026-01-05T12:00:00.250Z"


def test_a_good_boot() -> None:
    sizes = "size=200 free=150 boot_size=50 boot_free=20"
    mount = f"state=mounted volume={DISK}-part1 device=/dev/nvme0n2p1 type=ext4 {sizes} at={AT} reason="
    told = {"boot-stage": f"ready {AT}", "mount": mount, "driver": "ok 580.95.05", "hostkeys-ssh-ed25519": KEY}
    report = MachineReport.read(told)
    at = datetime(2026, 1, 5, 12, 0, 0, 250_000, tzinfo=UTC)
    assert (report.stage, report.stage_at, report.driver) == (BootStage.READY, at, "580.95.05")
    assert report.host_keys == {"ssh-ed25519": KEY}
    assert report.mount
    assert (report.mount.volume, report.mount.device) == (f"{DISK}-part1", "/dev/nvme0n2p1")
    assert (report.mount.size_bytes, report.mount.free_bytes, report.mount.at) == (200, 150, at)
    assert (report.mount.boot_size_bytes, report.mount.boot_free_bytes) == (50, 20)
    assert report.mount.reason is None
    assert report.has_booted
    assert report.is_well
    assert report.attributes == told


def test_a_boot_without_its_disk() -> None:
    line = (
        f"state=unmounted volume={DISK} device=/dev/sdb type=ext4 size= free= at={AT} reason=It wants size=1 e2fsck. "
    )
    report = MachineReport.read({"boot-stage": f"failed {AT}", "mount": line})
    assert report.has_booted
    assert not report.is_well
    assert report.mount
    assert (report.mount.state, report.mount.size_bytes) == (MountState.UNMOUNTED, None)
    assert report.mount.reason == "It wants size=1 e2fsck."
    assert report.mount.can_be_mounted


@pytest.mark.parametrize(
    "line", [f"state=absent volume={DISK} type=", f"state=unmounted volume={DISK} type=xfs", "state=mounted type=ext4"]
)
def test_what_cannot_be_mounted_by_hand(line: str) -> None:
    mount = MachineReport.read({"mount": line}).mount
    assert mount
    assert not mount.can_be_mounted


def test_nothing_said_is_nothing_known() -> None:
    report = MachineReport.read({})
    assert (report.stage, report.mount, report.driver, report.host_keys) == (None, None, None, {})
    assert not report.has_booted


@pytest.mark.parametrize(
    "told",
    [
        {"boot-stage": "done"},
        {"boot-stage": ""},
        {"mount": "state=everywhere volume=/dev/sdb"},
        {"mount": "mounted"},
        {"hostkeys-ssh-ed25519": f"{KEY}\n127.0.0.1 ssh-ed25519 {KEY}"},
        {"hostkeys-ssh-ed25519": f"{KEY} and more"},
        {"hostkeys-none": KEY},
        {"something-else": "x"},
    ],
)
def test_what_makes_no_sense_is_left_out(told: dict[str, str]) -> None:
    report = MachineReport.read(told)
    assert (report.stage, report.mount, report.host_keys) == (None, None, {})


@pytest.mark.parametrize("path", ["/dev/sdb;reboot", "$(reboot)", "/etc/passwd", "/dev/../etc"])
def test_no_path_goes_into_a_command_that_is_not_a_devices(path: str) -> None:
    mount = MachineReport.read({"mount": f"state=unmounted volume={path} device={path} type=ext4"}).mount
    assert mount
    assert (mount.volume, mount.device) == (None, None)


def test_what_a_database_refuses_is_cleaned() -> None:
    report = MachineReport.read({"driver": "a\0b\ud800" + "x" * 5000, "boot-stage": "ready yesterday"})
    assert report.attributes["driver"].startswith("ab?x")
    assert len(report.attributes["driver"]) < 2001
    assert (report.stage, report.stage_at) == (BootStage.READY, None)


def test_the_last_use_is_a_time_with_its_zone() -> None:
    assert MachineReport.read({"used": "2026-03-01T10:00:00+0000"}).used_at == datetime(2026, 3, 1, 10, tzinfo=UTC)
    for made_up in ("", "yesterday", "2026-03-01T10:00:00"):
        assert MachineReport.read({"used": made_up}).used_at is None


@pytest.mark.parametrize(
    ("told", "home"),
    [
        ("data grace", Home("grace", None)),
        ("boot", Home(None, None)),
        ("boot It could not be copied.", Home(None, "It could not be copied.")),
        ("data ../etc", None),
        ("elsewhere", None),
        ("", None),
    ],
)
def test_where_the_home_folder_is(told: str, home: Home | None) -> None:
    assert MachineReport.read({"home": told}).home == home


def test_a_failed_boot_says_why_whatever_failed() -> None:
    mounted = f"state=mounted volume={DISK} type=ext4 reason="
    assert MachineReport.read({"mount": mounted, "home": "boot It is full."}).trouble == "It is full."
    assert MachineReport.read({"mount": "state=absent reason=No disk.", "home": "boot"}).trouble == "No disk."
    assert MachineReport.read({}).trouble is None
