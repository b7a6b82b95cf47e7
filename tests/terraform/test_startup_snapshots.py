"""Snapshots that the portal opens are mounted while their disk is attached."""

from tests.terraform.machine import Machine

DATE = "2026-03-02-0417"


def test_a_snapshot_is_mounted_read_only_while_the_machine_runs(machine: Machine) -> None:
    machine.attach_disk("ext4 of-grace")
    machine.boot()
    assert machine.told("snapshot") == "none"
    device = machine.open_snapshot(DATE, "ext4 of-grace")
    machine.follow_snapshots()
    folder = machine.snapshots / DATE
    assert f"{device} {folder}" in machine.mounted
    assert f"mount -t ext4 -o ro {machine.folder}/google-snapshot-{DATE} {folder}" in machine.calls("mount")
    assert machine.told("snapshot") == f"{DATE} mounted"

    machine.follow_snapshots()
    assert len(machine.mounted) == 2


def test_a_closed_snapshot_is_unmounted_and_its_folder_goes(machine: Machine) -> None:
    machine.attach_disk("ext4 of-grace")
    machine.boot()
    machine.open_snapshot(DATE, "ext4 of-grace")
    machine.follow_snapshots()
    (machine.folder / f"google-snapshot-{DATE}").unlink()
    machine.follow_snapshots()
    assert machine.mounted == [f"{machine.device} {machine.mount_point}"]
    assert not machine.snapshots.exists()
    assert machine.told("snapshot") == "none"


def test_fstab_names_the_data_disk_and_not_the_uuid_that_its_copy_has_as_well(machine: Machine) -> None:
    machine.attach_disk("ext4 of-grace")
    machine.boot()
    assert f"UUID=of-grace {machine.mount_point}" in machine.fstab.read_text()
    device = machine.open_snapshot(DATE, "ext4 of-grace")
    (machine.folder / "uuids").write_text(f"of-grace {machine.device}\nof-grace {device}\n")
    machine.follow_snapshots()
    assert f"{machine.link} {machine.mount_point} ext4" in machine.fstab.read_text()
    assert "of-grace" not in machine.fstab.read_text()


def test_a_snapshot_that_cannot_be_mounted_is_told_once_with_the_reason(machine: Machine) -> None:
    machine.attach_disk("ext4 of-grace")
    machine.boot()
    machine.open_snapshot(DATE, "ext4 of-grace")
    machine.break_command("mount")
    machine.follow_snapshots()
    machine.follow_snapshots()
    assert machine.told("snapshot") == f"{DATE} failed mount: made to fail"
    assert len([call for call in machine.calls("curl") if "/snapshot" in call and "failed" in call]) == 1


def test_nothing_is_mounted_on_a_boot_disk(machine: Machine) -> None:
    machine.boot()
    machine.open_snapshot(DATE, "ext4 of-grace")
    machine.follow_snapshots()
    assert machine.mounted == []
    assert not machine.snapshots.exists()
