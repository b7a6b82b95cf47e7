"""An address gets its labels after its creation: one interrupted in between is kept as it is."""

from typing import Any

import pytest

from tests.portal_process import ApiUser, PortalProcess

ADDRESS = "google_compute_address"


@pytest.fixture(autouse=True)
def no_fault_is_left(portal: PortalProcess) -> Any:
    yield
    portal.cloud("DELETE", "/_emulator/faults")


def fault(portal: PortalProcess, name: str, **fields: object) -> None:
    """Something happens to the second of the two calls."""
    portal.cloud("POST", "/_emulator/faults", {"op": "update", "type": ADDRESS, "id": name, **fields})


def creations(portal: PortalProcess, name: str) -> int:
    """How often an address of this name was created."""
    calls = portal.cloud("GET", "/_emulator/log?after=0")
    return sum(call["op"] == "create" and call["type"] == ADDRESS and name in call["id"] for call in calls)


def test_an_address_whose_labels_failed_gets_them_and_is_not_replaced(
    portal: PortalProcess, grace_api: ApiUser
) -> None:
    fault(portal, "labels-later", status=503, message="Service unavailable")
    made = grace_api.create("labels-later")
    grace_api.wait(made["id"], "running", "failed", seconds=180)
    assert grace_api.run(made["run_id"])["status"] == "applied", grace_api.log(made["run_id"])
    assert any("Error adding labels to ComputeAddress" in message for message in grace_api.log(made["run_id"]))
    [address] = [
        each for each in portal.cloud("GET", f"/_emulator/objects?type={ADDRESS}") if "labels-later" in each["id"]
    ]
    assert address["state"]["effective_labels"]["stationmaster-stack"] == made["id"]
    assert creations(portal, "labels-later") == 1


def test_an_address_that_nobody_labelled_goes_with_the_run_that_was_canceled(
    portal: PortalProcess, grace_api: ApiUser
) -> None:
    fault(portal, "unlabelled", delay=60)
    made = grace_api.create("unlabelled")
    while not creations(portal, "unlabelled"):
        assert grace_api.run(made["run_id"])["status"] in {"queued", "planning", "applying"}
    for mode in ("now", "force"):
        answer = grace_api.call("POST", f"/api/v1/runs/{made['run_id']}/cancel", {"mode": mode})
        assert answer.status == 200, answer.text
    grace_api.wait(made["id"], "destroyed", "failed", seconds=180)
    assert grace_api.run(made["run_id"])["status"] == "canceled", grace_api.log(made["run_id"])
    assert portal.cloud_objects("unlabelled") == []
