"""Which SSH host keys a machine has after a boot: its data disk's, as long as the disk is its own."""

import pytest

from tests.terraform.machine import Machine

RELOAD = "systemctl try-reload-or-restart ssh.service"


@pytest.fixture
def booted(machine: Machine) -> Machine:
    """For the first time, with a blank disk."""
    machine.attach_disk()
    code, said = machine.boot()
    assert code == 0, said
    return machine


def test_first_boot_makes_keys_keeps_them_on_the_disk_and_tells_them(machine: Machine) -> None:
    before = machine.host_key()
    machine.attach_disk()
    code, said = machine.boot()
    assert code == 0, said
    assert machine.host_key() != before
    assert RELOAD in machine.calls("systemctl")
    assert machine.told("hostkeys-ssh-ed25519") == machine.host_key()
    assert (machine.kept_keys / "ssh_host_ed25519_key").stat().st_mode & 0o777 == 0o600
    assert machine.kept_keys.parent.stat().st_mode & 0o777 == 0o700
    assert machine.kept_keys.stat().st_mode & 0o777 == 0o700


def test_every_kind_of_key_that_sshd_has_is_kept(machine: Machine) -> None:
    machine.new_boot_disk("ed25519", "ecdsa")
    machine.attach_disk()
    machine.boot()
    keys = machine.host_key("ed25519"), machine.host_key("ecdsa")
    assert (machine.told("hostkeys-ssh-ed25519"), machine.told("hostkeys-ecdsa-sha2-nistp256")) == keys
    machine.new_boot_disk("ed25519", "ecdsa")
    machine.restart()
    assert (machine.host_key("ed25519"), machine.host_key("ecdsa")) == keys


def test_second_boot_changes_no_key_and_leaves_sshd_alone(booted: Machine) -> None:
    key = booted.host_key()
    code, said = booted.restart()
    assert code == 0, said
    assert booted.host_key() == key
    assert RELOAD not in booted.calls("systemctl")


def test_rebuilt_machine_gets_its_keys_back(booted: Machine) -> None:
    key = booted.host_key()
    booted.new_boot_disk()
    code, said = booted.restart()
    assert code == 0, said
    assert booted.host_key() == key == booted.told("hostkeys-ssh-ed25519")
    assert (booted.ssh_folder / "ssh_host_ed25519_key").stat().st_mode & 0o777 == 0o600
    assert RELOAD in booted.calls("systemctl")


def test_copy_of_another_stacks_disk_gets_new_keys_once(booted: Machine) -> None:
    original = booted.host_key()
    (booted.folder / "stack").write_text("another")
    booted.new_boot_disk()
    booted.restart()
    copied = booted.host_key()
    assert copied != original
    assert booted.told("hostkeys-ssh-ed25519") == copied
    booted.new_boot_disk()
    booted.restart()
    assert booted.host_key() == copied


def test_half_made_keys_are_made_anew(booted: Machine) -> None:
    key = booted.host_key()
    booted.kept_keys.rename(booted.kept_keys.with_name("ssh.new"))
    booted.new_boot_disk()
    code, said = booted.restart()
    assert code == 0, said
    assert booted.host_key() != key
    assert not booted.kept_keys.with_name("ssh.new").exists()


def test_without_the_disk_the_boot_disks_keys_stay_and_are_told(machine: Machine) -> None:
    machine.attach_disk("ext4 of-grace")
    machine.break_command("mount")
    key = machine.host_key()
    code, said = machine.boot()
    assert code == 1
    assert "The SSH host keys are the boot disk's." in said
    assert machine.host_key() == key == machine.told("hostkeys-ssh-ed25519")
    assert not machine.kept_keys.exists()


def test_without_the_stacks_id_no_key_changes_and_the_boot_has_failed(booted: Machine) -> None:
    key = booted.host_key()
    (booted.folder / "stack").unlink()
    code, _ = booted.restart()
    assert code == 1
    assert booted.host_key() == key == booted.told("hostkeys-ssh-ed25519")
    assert booted.told("boot-stage").startswith("failed ")


def test_sshd_that_cannot_be_told_fails_the_boot(machine: Machine) -> None:
    machine.attach_disk()
    machine.break_command("systemctl")
    code, _ = machine.boot()
    assert code == 1
    assert "systemctl try-reload-or-restart sshd.service" in machine.calls("systemctl")
