"""The restore drill: the portal's computer is gone, and another one goes on from a backup."""

import time
from pathlib import Path

import pytest

from tests.portal_process import ApiUser, PortalProcess


def in_cloud(portal: PortalProcess, made: dict[str, str]) -> set[str]:
    """The kinds of what a workstation has at Google."""
    return {each.split("/")[-2] for each in portal.cloud_objects(made["id"])}


@pytest.mark.long
def test_restored_elsewhere_the_portal_knows_its_machines_and_can_destroy_them(tmp_path: Path) -> None:
    old = PortalProcess(tmp_path / "old", {"EMULATOR_LATENCY": "1"})
    old.start()
    grace = ApiUser(old, "grace@example.com")
    running, half = grace.create("runs"), {}
    grace.wait(running["id"], "running")
    half = grace.create("half-made")
    deadline = time.monotonic() + 120
    while "Creating..." not in str(grace.log(half["run_id"])):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    dump, keys = tmp_path / "backup.dump", tmp_path / "safe" / "keys"
    keys.parent.mkdir()
    old.command("backup", str(dump), "--keys", str(keys))
    assert {path.stat().st_mode & 0o777 for path in (dump, keys)} == {0o600}
    grace.wait(half["id"], "running")
    later = grace.create("made-later")
    grace.wait(later["id"], "running")
    old.stop()

    # The same cloud, and nothing else of the old place.
    cloud = {"EMULATOR_DATA_DIR": str(tmp_path / "old" / "emulator"), "EMULATOR_LATENCY": "0.2"}
    new = PortalProcess(tmp_path / "new", cloud)
    said = new.command_with_cloud("restore", str(dump), "--keys", str(keys))
    assert "Restored." in said
    new.start()
    grace = ApiUser(new, "grace@example.com", token=grace.token)
    listed = {each["name"]: each["id"] for each in grace.call("GET", "/api/v1/workstations").json["items"]}
    assert listed == {"runs": running["id"], "half-made": half["id"]}
    assert grace.wait(half["id"], "running", "failed")["status"] == "running"
    assert grace.wait_run(half["run_id"], "applied")["attempt"] == 2
    for made in (running, half):
        assert in_cloud(new, made) >= {"instances", "disks", "addresses"}
        grace.call("DELETE", f"/api/v1/workstations/{made['id']}")
    for made in (running, half):
        grace.wait(made["id"], "destroyed")
        assert in_cloud(new, made) == set()
    assert later["id"] in new.command("stack", "list-orphans")
    new.stop()
