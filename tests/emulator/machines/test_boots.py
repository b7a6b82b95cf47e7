"""Boots of workstations: the real startup script in a pretend machine, seen through the real ssh."""

import re
from pathlib import Path

import pytest

from tests.emulator.machines.ssh import Key, Ssh, make_key
from tests.emulator.world import World, nat_ip, until


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("laptop")


@pytest.fixture(scope="module")
def key(folder: Path) -> Key:
    return make_key(folder / "id_ed25519")


def log_in(world: World, instance: str, key: Key, folder: Path) -> Ssh:
    """With the host key that the startup script has told of."""
    host_key = world.boot_report(instance)["hostkeys-ssh-ed25519"]
    return Ssh(nat_ip(world.read("google_compute_instance", instance)), host_key, key, folder)


def rebuild(world: World, name: str, key: Key, disk: str, address: str, home_of: str = "") -> str:
    """Gone with its boot disk, and made anew."""
    world.delete("google_compute_instance", f"{disk.partition('/disks/')[0]}/instances/{name}")
    return world.workstation(name, key.public, disk, network_interface=at(address), home_of=home_of)


def at(address: str) -> list[dict[str, object]]:
    return [{"network": "default", "access_config": [{"nat_ip": address}]}]


def test_a_blank_disk_is_formatted_mounted_and_told_of(world: World, key: Key, folder: Path) -> None:
    instance = world.workstation("blank", key.public, world.disk("blank-home", size=20))
    report = world.boot_report(instance)
    assert re.fullmatch(r"ready \d{4}-\d\d-\d\dT[\d:.]+Z", report["boot-stage"])
    volume = "volume=/dev/disk/by-id/google-home device=/dev/sdb type=ext4"
    assert report["mount"].startswith(f"state=mounted {volume} size={20 << 30} free=")
    assert report["driver"] == "none"
    ssh = log_in(world, instance, key, folder)
    assert ssh.out("findmnt --noheadings --output SOURCE /home/jupyter") == "/dev/sdb"
    assert ssh.out("stat -c %a /home/jupyter; stat -c %a /home/jupyter/.stationmaster") == "777\n700"
    assert ssh.out("lsblk $(readlink -f /dev/disk/by-id/google-home)").splitlines()[1].split() == [
        *("sdb", "20G", "ext4", "/home/jupyter")
    ]


def test_a_home_folder_on_the_data_disk_outlives_the_boot_disk(world: World, key: Key, folder: Path) -> None:
    _, address = world.address()
    disk = world.disk("with-home")
    instance = world.workstation("homely", key.public, disk, network_interface=at(address), home_of="grace")
    assert world.boot_report(instance)["home"] == "data grace"
    ssh = log_in(world, instance, key, folder)
    ssh.out("echo mine > ~/note; ls -A ~ > ~/had")
    assert ssh.out("cat /home/jupyter/.home/grace/note") == "mine"
    # What scp sees is the same folder.
    ssh.copy("HOST:note", folder / "note")
    assert (folder / "note").read_text() == "mine\n"
    rebuild(world, "homely", key, disk, address, home_of="grace")
    assert until(lambda: ssh.run("cat ~/note").stdout) == b"mine\n"
    assert ".bashrc" in ssh.out("cat ~/had").split()


def test_a_rebuilt_machine_has_its_files_and_its_host_key(world: World, key: Key, folder: Path) -> None:
    _, address = world.address()
    disk = world.disk("outlives")
    ssh = log_in(world, world.workstation("rebuilt", key.public, disk, network_interface=at(address)), key, folder)
    ssh.out("echo kept > /home/jupyter/note; touch ~/own")
    rebuild(world, "rebuilt", key, disk, address)
    # The same known_hosts file, with strict checking.
    assert until(lambda: ssh.run("cat", "/home/jupyter/note").stdout) == b"kept\n"
    assert ssh.run("test", "-e", "/home/grace/own").returncode == 1


def test_a_copy_of_a_disk_has_the_files_and_new_host_keys(world: World, key: Key, folder: Path) -> None:
    disk = world.disk("original-home")
    original = log_in(world, world.workstation("original", key.public, disk), key, folder)
    original.out("echo shared > /home/jupyter/note")
    copy = world.disk("copy-home", source_disk=disk)
    copied = log_in(world, world.workstation("copy", key.public, copy), key, folder)
    assert copied.out("cat /home/jupyter/note; echo mine > /home/jupyter/note") == "shared"
    assert copied.host_key != original.host_key
    assert original.out("cat /home/jupyter/note") == "shared"


def test_a_disk_made_from_a_snapshot_holds_what_was_there_then(world: World, key: Key, folder: Path) -> None:
    disk = world.disk("snapped-home")
    ssh = log_in(world, world.workstation("snapped", key.public, disk), key, folder)
    ssh.out("echo then > /home/jupyter/note")
    snapshot = "projects/pocket-project/global/snapshots/before"
    world.create("google_compute_snapshot", snapshot, {"name": "before", "source_disk": disk})
    ssh.out("echo now > /home/jupyter/note")
    restored = world.disk("restored-home", snapshot="before")
    assert log_in(world, world.workstation("restored", key.public, restored), key, folder).out(
        "cat /home/jupyter/note"
    ) == ("then")


def test_a_mount_that_fails_is_told_and_mended_by_hand(world: World, key: Key, folder: Path) -> None:
    world.emulator.fault("mount-failure", id="broken")
    instance = world.workstation("broken", key.public, world.disk("broken-home"))
    report = world.boot_report(instance)
    assert report["boot-stage"].startswith("failed ")
    assert report["mount"].startswith("state=unmounted volume=/dev/disk/by-id/google-home device=/dev/sdb type=ext4")
    assert "cannot be mounted at /home/jupyter" in report["mount"]
    ssh = log_in(world, instance, key, folder)
    ssh.out("sudo mkdir -p /home/jupyter && sudo mount /dev/disk/by-id/google-home /home/jupyter")
    assert world.boot_report(instance)["mount"].startswith("state=mounted ")
    ssh.out("echo works > /home/jupyter/note")
    world.operation_done(world.rest(f"{instance}/reset", "POST"))
    until(lambda: world.boot_report(instance)["boot-stage"].startswith("ready "))
    assert log_in(world, instance, key, folder).out("cat /home/jupyter/note") == "works"


def test_a_disk_made_larger_has_a_larger_file_system_after_the_next_boot(world: World, key: Key, folder: Path) -> None:
    disk = world.disk("growing-home", size=20)
    instance = world.workstation("growing", key.public, disk)
    world.boot_report(instance)
    world.update("google_compute_disk", disk, {**world.read("google_compute_disk", disk), "size": 40})
    world.operation_done(world.rest(f"{instance}/reset", "POST"))
    until(lambda: f"size={40 << 30}" in world.boot_report(instance)["mount"])


def test_a_boot_disk_made_larger_has_more_space_after_the_next_boot(world: World, key: Key) -> None:
    instance = world.workstation("rooted", key.public, world.disk("rooted-home"))
    assert f"boot_size={50 << 30} " in world.boot_report(instance)["mount"]
    boot_disk = world.read("google_compute_instance", instance)["boot_disk"][0]["source"].partition("/compute/v1/")[2]
    world.emulator.call("PATCH", f"/_emulator/objects/google_compute_disk/{boot_disk}", {"size": 80})
    world.operation_done(world.rest(f"{instance}/reset", "POST"))
    until(lambda: f"boot_size={80 << 30} " in world.boot_report(instance)["mount"])


def test_a_gpu_machine_tells_its_driver(world: World, key: Key) -> None:
    instance = world.workstation("gpu", key.public, world.disk("gpu-home"), machine_type="g2-standard-8")
    assert world.boot_report(instance)["driver"] == "ok 580.95.05"


def test_a_stopped_machine_comes_back_with_its_disk_and_key(world: World, key: Key, folder: Path) -> None:
    _, address = world.address()
    instance = world.workstation("pauses", key.public, world.disk("pauses-home"), network_interface=at(address))
    ssh = log_in(world, instance, key, folder)
    ssh.out("echo kept > /home/jupyter/note")
    before = world.boot_report(instance)["boot-stage"]
    world.operation_done(world.rest(f"{instance}/stop", "POST"))
    world.operation_done(world.rest(f"{instance}/start", "POST"))
    until(lambda: world.boot_report(instance)["boot-stage"] != before)
    assert ssh.out("cat /home/jupyter/note") == "kept"


def test_the_machine_reaches_its_metadata_and_nobody_elses_is_led_there(world: World, key: Key, folder: Path) -> None:
    instance = world.workstation("curious", key.public, world.disk("curious-home"), stack="abc123")
    ssh = log_in(world, instance, key, folder)
    url = "http://metadata.google.internal/computeMetadata/v1/instance/attributes/stationmaster-stack"
    assert ssh.out(f"curl -s -H 'Metadata-Flavor: Google' {url}") == "abc123"
    assert ssh.run(f"curl -s {url}").returncode == 22
    assert ssh.run("systemctl reload ssh").returncode == 0


def test_a_login_is_reported_as_the_last_use(world: World, key: Key, folder: Path) -> None:
    instance = world.workstation("used", key.public, world.disk("used-home"))
    ssh = log_in(world, instance, key, folder)
    again = "bash $(cat /home/.machine/run/timer)"
    ssh.out(again)
    reports = [world.boot_report(instance)["used"]]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", reports[0])
    # In the background, so that it is told after the session has ended.
    ssh.out(f"(sleep 1; {again}) >/dev/null 2>&1 </dev/null &")
    until(lambda: re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]+\+0000", world.boot_report(instance)["used"]))
