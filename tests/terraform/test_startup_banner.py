"""What somebody sees who logs in to a machine."""

import os

from tests.terraform.machine import Machine


def test_the_banner_names_the_disk_that_stays_and_its_free_space(machine: Machine) -> None:
    machine.attach_disk("ext4 of-grace")
    machine.boot()
    shown = machine.log_in()

    assert shown.startswith(f"Data disk: {machine.mount_point}, 3.9M free of 9.6M. Keep your work there.\n")
    assert "home folder, is on the boot disk" in shown
    assert os.access(machine.motd_folder / "60-stationmaster", os.X_OK)


def test_the_banner_warns_while_the_disk_is_not_mounted(machine: Machine) -> None:
    machine.attach_disk("xfs 5f3a")
    machine.boot()

    assert machine.log_in().startswith(f"WARNING: the data disk is not mounted at {machine.mount_point}.")


def test_an_image_that_shows_no_banners_boots_all_the_same(machine: Machine) -> None:
    machine.motd_folder.rmdir()
    machine.attach_disk("ext4 of-grace")

    assert machine.boot()[0] == 0
