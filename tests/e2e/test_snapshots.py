"""Snapshots through the real stack: files outlive their disk, in another zone and on another machine; yesterday's come
back."""

from tests.e2e.conftest import Laptop
from tests.portal_process import ApiUser, PortalProcess


def refresh(laptop: Laptop, api: ApiUser) -> None:
    """The files of SSH as they are now."""
    laptop.install("config", api.call("GET", "/ssh_compute_config").text)
    laptop.install("known_hosts", api.call("GET", "/ssh_known_hosts").text)


def take(api: ApiUser, workstation_id: str) -> dict[str, object]:
    path = f"/api/v1/workstations/{workstation_id}/snapshots"
    run_id = api.call("POST", path).json["run_id"]
    assert api.wait_run(run_id, "applied", "errored")["status"] == "applied", api.log(run_id)
    return dict(api.call("GET", path).json[0])


def test_a_machine_moves_to_another_zone_with_its_files_and_its_host_key(
    portal: PortalProcess, equipped: Laptop, grace_api: ApiUser
) -> None:
    made = grace_api.create("mover")
    before = grace_api.wait(made["id"], "running", "failed", seconds=240)
    refresh(equipped, grace_api)
    equipped.ssh("mover", "echo kept > /home/jupyter/note")

    run_id = grace_api.call("PATCH", f"/api/v1/workstations/{made['id']}", {"zone": "europe-west4-b"}).json["run_id"]
    run = grace_api.wait_run(run_id, "applied", "errored", "awaiting_approval", seconds=300)
    assert run["status"] == "applied", (run, grace_api.log(run_id))
    after = grace_api.call("GET", f"/api/v1/workstations/{made['id']}").json
    assert (after["zone"], after["status"], after["address"]) == ("europe-west4-b", "running", before["address"])
    # The same known_hosts file, with strict checking.
    assert equipped.ssh("mover", "cat /home/jupyter/note") == "kept\n"
    [snapshot] = grace_api.call("GET", f"/api/v1/workstations/{made['id']}/snapshots").json
    assert (snapshot["reason"], snapshot["zone"]) == ("change", "europe-west4-a")
    assert [each for each in portal.cloud_objects("mover") if "zones/europe-west4-a" in each] == []


def test_a_new_machine_has_the_files_of_a_snapshot_and_a_host_key_of_its_own(
    portal: PortalProcess, equipped: Laptop, grace_api: ApiUser
) -> None:
    made = grace_api.create("original")
    grace_api.wait(made["id"], "running", "failed", seconds=240)
    refresh(equipped, grace_api)
    equipped.ssh("original", "echo then > /home/jupyter/note")
    snapshot = take(grace_api, made["id"])
    equipped.ssh("original", "echo now > /home/jupyter/note")

    copy = grace_api.create("copy", zone="us-central1-a", disk_snapshot=snapshot["id"])
    running = grace_api.wait(copy["id"], "running", "failed", seconds=240)
    assert running["status"] == "running"
    refresh(equipped, grace_api)
    assert equipped.ssh("copy", "cat /home/jupyter/note") == "then\n"
    assert equipped.ssh("original", "cat /home/jupyter/note") == "now\n"
    known = (equipped.home / ".ssh/stationmaster/known_hosts").read_text().splitlines()
    keys = {line.split()[0]: line.split()[-1] for line in known if "ssh-ed25519" in line}
    assert len(set(keys.values())) == len(keys)


def test_files_come_back_after_their_disk_was_deleted(
    portal: PortalProcess, equipped: Laptop, grace_api: ApiUser
) -> None:
    made = grace_api.create("mistake")
    grace_api.wait(made["id"], "running", "failed", seconds=240)
    refresh(equipped, grace_api)
    equipped.ssh("mistake", "echo precious > /home/jupyter/note && sync")
    path = f"/api/v1/workstations/{made['id']}"
    run_id = grace_api.call("DELETE", path).json["run_id"]
    assert grace_api.wait_run(run_id, "applied", "errored", seconds=240)["status"] == "applied", grace_api.log(run_id)
    assert portal.cloud_objects("mistake") == []

    [resting] = grace_api.call("GET", f"{path}/snapshots").json
    assert (resting["reason"], resting["expires_at"] is None) == ("deleted", False)
    back = grace_api.create("mistake", disk_snapshot=resting["id"])
    assert grace_api.wait(back["id"], "running", "failed", seconds=240)["status"] == "running"
    refresh(equipped, grace_api)
    assert equipped.ssh("mistake", "cat /home/jupyter/note") == "precious\n"

    run_id = grace_api.call("DELETE", f"/api/v1/workstations/{back['id']}?at_once=true").json["run_id"]
    grace_api.wait_run(run_id, "applied", seconds=240)
    assert grace_api.call("GET", f"/api/v1/workstations/{back['id']}/snapshots").json == []
    assert grace_api.call("DELETE", f"{path}/snapshots/{resting['id']}").status == 202


def test_yesterdays_file_is_fetched_back_from_a_snapshot_that_is_opened(
    portal: PortalProcess, equipped: Laptop, grace_api: ApiUser
) -> None:
    made = grace_api.create("yesterday")
    path = f"/api/v1/workstations/{made['id']}"
    grace_api.wait(made["id"], "running", "failed", seconds=240)
    refresh(equipped, grace_api)
    equipped.ssh("yesterday", "echo precious > /home/jupyter/note")
    training = equipped.ssh("yesterday", "nohup sleep 3600 >/dev/null 2>&1 & echo $!").strip()
    snapshot = take(grace_api, made["id"])
    equipped.ssh("yesterday", "rm /home/jupyter/note")

    run_id = grace_api.call("POST", f"{path}/snapshots/{snapshot['id']}/open").json["run_id"]
    run = grace_api.wait_run(run_id, "applied", "errored", "awaiting_approval", seconds=300)
    assert run["status"] == "applied", (run, grace_api.log(run_id))
    [opened] = grace_api.call("GET", f"{path}/snapshots").json
    folder = opened["open_at"]
    assert f"Mounted read-only at {folder}." in grace_api.log(run_id)
    # Nobody has restarted it for that.
    equipped.ssh("yesterday", f"kill -0 {training}")
    assert equipped.ssh("yesterday", f"cat {folder}/note && cp {folder}/note /home/jupyter") == "precious\n"
    refused = equipped.run("ssh", "-o", "BatchMode=yes", "yesterday", f"echo more >> {folder}/note")
    assert (refused.returncode, "Read-only file system" in refused.stderr) == (1, True)
    assert len([each for each in portal.cloud_objects("yesterday") if "-opened-" in each]) == 1

    run_id = grace_api.call("POST", f"{path}/snapshots/close").json["run_id"]
    run = grace_api.wait_run(run_id, "applied", "errored", "awaiting_approval", seconds=300)
    assert run["status"] == "applied", (run, grace_api.log(run_id))
    assert [each for each in portal.cloud_objects("yesterday") if "-opened-" in each] == []
    equipped.ssh("yesterday", "while [ -e /home/jupyter/.snapshots ]; do sleep 0.2; done")
    assert equipped.ssh("yesterday", "cat /home/jupyter/note") == "precious\n"


def test_a_disk_is_reverted_to_a_snapshot_after_an_approval_and_rests_as_one_itself(
    portal: PortalProcess, equipped: Laptop, grace_api: ApiUser
) -> None:
    made = grace_api.create("reverted")
    path = f"/api/v1/workstations/{made['id']}"
    before = grace_api.wait(made["id"], "running", "failed", seconds=240)
    refresh(equipped, grace_api)
    equipped.ssh("reverted", "echo then > /home/jupyter/note")
    snapshot = take(grace_api, made["id"])
    equipped.ssh("reverted", "echo now > /home/jupyter/note && sync")

    run_id = grace_api.call("POST", f"{path}/snapshots/{snapshot['id']}/revert").json["run_id"]
    waiting = grace_api.wait_run(run_id, "awaiting_approval", "errored", "applied", seconds=240)
    assert waiting["status"] == "awaiting_approval", grace_api.log(run_id)
    assert equipped.ssh("reverted", "cat /home/jupyter/note") == "now\n"
    names = [each["name"] for each in waiting["awaits"]]
    grace_api.call("POST", f"/api/v1/runs/{run_id}/approve", {"confirm": names})
    run = grace_api.wait_run(run_id, "applied", "errored", seconds=300)
    assert run["status"] == "applied", (run, grace_api.log(run_id))
    after = grace_api.call("GET", path).json
    assert (after["status"], after["address"]) == ("running", before["address"])
    # The same known_hosts file, with strict checking.
    assert equipped.ssh("reverted", "cat /home/jupyter/note") == "then\n"
    [rests, _] = grace_api.call("GET", f"{path}/snapshots").json
    assert (rests["reason"], rests["expires_at"] is None) == ("change", False)
