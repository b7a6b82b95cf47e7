"""The owner's home folder is kept on the data disk, where they chose that."""

import os

from tests.terraform.machine import Machine


def test_without_the_choice_the_home_folder_is_on_the_boot_disk(machine: Machine) -> None:
    machine.attach_disk("ext4 of-grace")
    assert machine.boot()[0] == 0
    assert machine.told("home") == "boot"
    assert machine.mounted == [f"{machine.device} {machine.mount_point}"]


def test_the_home_folder_is_copied_once_and_mounted_at_each_boot(machine: Machine) -> None:
    machine.attach_disk("ext4 of-grace")
    machine.choose_home_on_data_disk()
    (machine.home / "notes").write_text("of the first boot disk")
    code, said = machine.boot()
    assert code == 0, said
    assert machine.told("home") == "data grace"
    assert f"{machine.kept_home} {machine.home}" in machine.mounted
    assert (machine.kept_home / "notes").read_text() == "of the first boot disk"

    (machine.kept_home / "notes").write_text("changed since")
    machine.restart()
    assert (machine.kept_home / "notes").read_text() == "changed since"
    assert f"{machine.kept_home} {machine.home}" in machine.mounted


def test_the_keys_are_those_of_this_machine_and_not_of_an_earlier_one(machine: Machine) -> None:
    machine.attach_disk("ext4 of-grace")
    machine.choose_home_on_data_disk()
    machine.boot()
    (machine.home / ".ssh/authorized_keys").write_text("a key of tomorrow\n")
    machine.restart()
    keys = machine.kept_home / ".ssh/authorized_keys"
    assert keys.read_text() == "a key of tomorrow\n"
    assert oct(keys.stat().st_mode)[-3:] == "600"
    assert oct(keys.parent.stat().st_mode)[-3:] == "700"


def test_without_any_key_nobody_can_log_in_with_an_old_one(machine: Machine) -> None:
    machine.attach_disk("ext4 of-grace")
    machine.choose_home_on_data_disk()
    machine.boot()
    (machine.home / ".ssh/authorized_keys").unlink()
    machine.restart()
    assert not (machine.kept_home / ".ssh/authorized_keys").exists()


def test_files_get_the_number_that_the_account_has_on_another_image(machine: Machine) -> None:
    machine.attach_disk("ext4 of-grace")
    machine.choose_home_on_data_disk()
    machine.boot()
    assert machine.calls("chown") == []
    (machine.folder / "account").write_text(f"grace:x:{os.getuid() + 1}:{os.getgid()}::{machine.home}:/bin/bash\n")
    machine.restart()
    options = "--recursive --no-dereference"
    assert machine.calls("chown") == [
        f"chown {options} --from=:{os.getgid()} :{os.getgid()} {machine.kept_home}",
        f"chown {options} --from={os.getuid()} {os.getuid() + 1} {machine.kept_home}",
    ]


def test_a_home_folder_that_others_may_write_to_would_lock_its_owner_out(machine: Machine) -> None:
    machine.attach_disk("ext4 of-grace")
    machine.choose_home_on_data_disk()
    machine.boot()
    machine.kept_home.chmod(0o777)
    machine.restart()
    assert oct(machine.kept_home.stat().st_mode)[-3:] == "755"


def test_without_an_account_the_boot_fails_and_says_so(machine: Machine) -> None:
    machine.attach_disk("ext4 of-grace")
    machine.choose_home_on_data_disk()
    machine.break_command("getent")
    code, said = machine.boot()
    assert code == 1
    assert machine.told("home") == "boot The account grace does not exist."
    assert machine.told("boot-stage").startswith("failed ")
    assert "the home folder stays on the boot disk. The account grace does not exist." in said
    assert machine.mounted == [f"{machine.device} {machine.mount_point}"]


def test_where_nobody_may_log_in_there_is_no_account_to_wait_for(machine: Machine) -> None:
    machine.attach_disk("ext4 of-grace")
    machine.choose_home_on_data_disk()
    machine.break_command("getent")
    (machine.folder / "ssh-keys").write_text("")
    assert machine.boot()[0] == 0
    assert machine.told("home") == "boot"


def test_a_copy_that_fails_leaves_the_boot_disk_s_home(machine: Machine) -> None:
    machine.attach_disk("ext4 of-grace")
    machine.choose_home_on_data_disk()
    machine.mount_point.mkdir(parents=True)
    (machine.mount_point / ".home").write_text("no folder can be here")
    assert machine.boot()[0] == 1
    assert machine.told("home") == "boot It could not be copied to the data disk. Is that full?"
    assert machine.mounted == [f"{machine.device} {machine.mount_point}"]


def test_a_link_in_its_place_is_not_followed(machine: Machine) -> None:
    machine.attach_disk("ext4 of-grace")
    machine.choose_home_on_data_disk()
    machine.boot()
    (machine.kept_home / ".ssh/authorized_keys").unlink()
    (machine.kept_home / ".ssh").rmdir()
    (machine.kept_home / ".ssh").symlink_to(machine.folder)
    machine.restart()
    assert machine.told("home") == f"boot {machine.kept_home} is a link."
    assert not (machine.folder / "authorized_keys").exists()


def test_without_the_data_disk_the_home_folder_is_on_the_boot_disk(machine: Machine) -> None:
    machine.choose_home_on_data_disk()
    machine.boot()
    assert machine.told("home") == "boot"
    assert machine.mounted == []


def test_the_banner_says_where_the_home_folder_is(machine: Machine) -> None:
    machine.attach_disk("ext4 of-grace")
    machine.choose_home_on_data_disk()
    machine.boot()
    assert "Your home folder is on it, too. Everything else is on the boot disk." in machine.log_in()
    (machine.folder / "home-user").unlink()
    machine.restart()
    assert "also your home folder, is on the boot disk" in machine.log_in()
