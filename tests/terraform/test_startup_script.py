"""What a machine does with its data disk at boot: the real script, with stand-ins for what would touch a disk."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.terraform.machine import MODULE, REPOSITORY, ROOT_LINE, STAND_IN, Machine, startup_script


def assert_left_alone(machine: Machine, result: tuple[int, str], reason: str) -> None:
    code, said = result
    assert code == 1
    assert f"ERROR: {machine.link} {reason}" in said
    assert "I leave it as it is" in said
    assert "is not the data disk" in said
    assert not machine.calls("mkfs.ext4")
    assert not machine.mounted
    assert machine.fstab.read_text() == ROOT_LINE


def test_blank_disk_is_formatted_and_mounted(machine: Machine) -> None:
    machine.attach_disk()
    code, said = machine.boot()
    assert code == 0, said
    assert machine.calls("mkfs.ext4") == [f"mkfs.ext4 -q -m 0 -L home {machine.link}"]
    assert machine.mounted == [f"{machine.device} {machine.mount_point}"]
    assert f"{machine.link} is blank: making an ext4 file system" in said
    assert f"{machine.mount_point} is ready" in said


def test_ext4_disk_is_mounted_as_it_is(machine: Machine) -> None:
    machine.attach_disk("ext4 of-grace")
    code, said = machine.boot()
    assert code == 0, said
    assert not machine.calls("mkfs.ext4")
    assert machine.mounted == [f"{machine.device} {machine.mount_point}"]


def test_partitioned_disk_is_mounted_by_its_first_partition(machine: Machine) -> None:
    machine.attach_partitioned_disk("ext4 of-the-image")
    code, said = machine.boot()
    assert code == 0, said
    assert not machine.calls("mkfs.ext4")
    assert machine.mounted == [f"{machine.device}1 {machine.mount_point}"]
    assert "UUID=of-the-image" in machine.fstab.read_text()


def test_partition_whose_link_comes_after_the_disks_is_waited_for(machine: Machine) -> None:
    machine.attach_partitioned_disk("ext4 of-the-image")
    (machine.folder / "google-home-part1").rename(machine.folder / "late-partition")
    code, said = machine.boot()
    assert code == 0, said
    assert machine.mounted == [f"{machine.device}1 {machine.mount_point}"]


def test_partitioned_disk_without_ext4_is_left_alone(machine: Machine) -> None:
    machine.attach_partitioned_disk("ntfs 01D8")
    assert_left_alone(machine, machine.boot(), "is partitioned")


@pytest.mark.parametrize(
    "holds", ["xfs 5f3a", "crypto_LUKS 77aa", "dos", "zfs_member 12", "ambiguous", "overlooked by blkid"]
)
def test_disk_with_another_signature_is_left_alone(machine: Machine, holds: str) -> None:
    machine.attach_disk(holds)
    result = machine.boot()
    assert_left_alone(machine, result, "is neither ext4 nor certainly blank")
    assert holds.split()[0] in result[1]


def test_disk_without_signature_but_with_content_is_left_alone(machine: Machine) -> None:
    machine.attach_disk(content=b"\0" * 4096 + b"an encrypted disk has no header")
    assert_left_alone(machine, machine.boot(), "is neither ext4 nor certainly blank")


@pytest.mark.parametrize("tool", ["blkid", "wipefs"])
def test_disk_is_not_blank_when_a_tool_cannot_tell(machine: Machine, tool: str) -> None:
    machine.attach_disk()
    machine.break_command(tool)
    assert_left_alone(machine, machine.boot(), "is neither ext4 nor certainly blank")


def test_missing_disk_is_said_and_no_folder_takes_its_place(machine: Machine) -> None:
    code, said = machine.boot()
    assert code == 1
    assert f"ERROR: The data disk did not appear at {machine.link} within 3 seconds" in said
    assert not machine.mount_point.exists()


def test_disk_that_appears_late_is_waited_for(machine: Machine) -> None:
    machine.attach_disk("ext4 of-grace")
    machine.link.rename(machine.folder / "late-disk")
    code, said = machine.boot()
    assert code == 0, said
    assert machine.calls("sleep") == ["sleep 1"]
    assert machine.mounted


def test_second_boot_formats_nothing_and_adds_no_line(machine: Machine) -> None:
    machine.attach_disk()
    machine.boot()
    after_first = machine.fstab.read_text()
    code, said = machine.restart()
    assert code == 0, said
    assert not machine.calls("mkfs.ext4")
    assert "systemctl daemon-reload" not in machine.calls("systemctl")
    assert machine.mounted == [f"{machine.device} {machine.mount_point}"]
    assert machine.fstab.read_text() == after_first
    assert after_first == f"{ROOT_LINE}UUID=made-at-first-boot {machine.mount_point} ext4 defaults,discard,nofail 0 2\n"


def test_disk_that_fstab_has_mounted_is_not_mounted_again(machine: Machine) -> None:
    machine.attach_disk("ext4 of-grace")
    machine.boot()
    code, said = machine.boot()
    assert code == 0, said
    assert not machine.calls("mount")


def test_line_of_an_earlier_disk_is_replaced_before_the_mount(machine: Machine) -> None:
    machine.attach_disk("ext4 of-grace")
    comment = f"# {machine.mount_point} is the data disk\n"
    machine.fstab.write_text(f"{comment}UUID=earlier {machine.mount_point} ext4 defaults 0 2\n{ROOT_LINE}")
    code, said = machine.boot()
    assert code == 0, said
    line = f"UUID=of-grace {machine.mount_point} ext4 defaults,discard,nofail 0 2\n"
    assert machine.fstab.read_text() == comment + ROOT_LINE + line
    calls = (machine.folder / "calls").read_text()
    assert calls.index("systemctl daemon-reload") < calls.index("mount -t ext4")


def test_uuid_that_the_boot_disk_has_too_does_not_go_into_fstab(machine: Machine) -> None:
    machine.attach_disk("ext4 of-the-image")
    (machine.folder / "uuids").write_text("of-the-image /dev/sda1\nof-the-image /dev/sdb\n")
    code, said = machine.boot()
    assert code == 0, said
    assert f"{machine.link} {machine.mount_point} ext4" in machine.fstab.read_text()
    assert "of-the-image" not in machine.fstab.read_text()


def test_wrong_disk_at_the_mount_point_makes_way(machine: Machine) -> None:
    machine.attach_disk("ext4 of-grace")
    (machine.folder / "mounts").write_text(f"/dev/sda1 {machine.mount_point}\n")
    code, said = machine.boot()
    assert code == 0, said
    assert "/dev/sda1 is mounted" in said
    assert machine.mounted == [f"{machine.device} {machine.mount_point}"]


def test_disk_that_was_made_larger_grows_its_file_system(machine: Machine) -> None:
    machine.attach_disk("ext4 of-grace")
    (machine.folder / "grown").touch()
    code, said = machine.boot()
    assert code == 0, said
    assert machine.calls("resize2fs") == [f"resize2fs {machine.link}"]
    assert not machine.calls("growpart")
    assert "has grown to the size of its disk" in said


def test_partitioned_disk_that_was_made_larger_grows_its_partition_first(machine: Machine) -> None:
    machine.attach_partitioned_disk("ext4 of-the-image")
    (machine.folder / "grown").touch()
    code, said = machine.boot()
    assert code == 0, said
    assert machine.calls("growpart") == [f"growpart {machine.device} 1"]
    assert machine.calls("resize2fs") == [f"resize2fs {machine.link}-part1"]
    assert "has grown" in said


def test_disk_of_the_same_size_says_nothing_of_growing(machine: Machine) -> None:
    machine.attach_disk("ext4 of-grace")
    assert "grown" not in machine.boot()[1]


def test_file_system_that_cannot_grow_is_still_mounted(machine: Machine) -> None:
    machine.attach_disk("ext4 of-grace")
    machine.break_command("resize2fs")
    code, said = machine.boot()
    assert code == 0
    assert "could not be grown: resize2fs: made to fail" in said
    assert machine.mounted


def test_mount_that_fails_is_said(machine: Machine) -> None:
    machine.attach_disk("ext4 of-grace")
    machine.break_command("mount")
    code, said = machine.boot()
    assert code == 1
    assert f"ERROR: {machine.link} cannot be mounted at {machine.mount_point}" in said


def test_everybody_may_write_at_the_top_and_nothing_below_is_touched(machine: Machine) -> None:
    machine.attach_disk("ext4 of-grace")
    private = machine.mount_point / "private"
    private.mkdir(parents=True)
    private.chmod(0o700)
    machine.mount_point.chmod(0o755)
    code, said = machine.boot()
    assert code == 0, said
    assert machine.mount_point.stat().st_mode & 0o7777 == 0o777
    assert private.stat().st_mode & 0o7777 == 0o700


def test_script_and_terraform_agree_on_the_device() -> None:
    assert 'device_name = "home"' in (MODULE / "metadata.tf").read_text()
    assert ":-/dev/disk/by-id/google-home}" in startup_script()
    assert '"/dev/disk/by-id/google-home"' in (REPOSITORY / "terraform/workstation/outputs.tf").read_text()


SCRIPTS = {"startup": startup_script()} | {
    file.name: file.read_text()
    for file in (STAND_IN, *sorted((REPOSITORY / "emulator/machines/programs").glob("*.sh")))
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_shellcheck_has_nothing_to_say(script: str) -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run([shellcheck, "-"], input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
