"""A machine that nobody uses is stopped with its evidence, and one that trains is not: the real agent, its records
through the cloud's API, and the real worker. Only the time is moved."""

import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import NO_QUESTION, Laptop, Person, install
from tests.portal_process import ApiUser, PortalProcess

pytestmark = pytest.mark.long
PATIENCE_S = 400
"""An agent reports every minute, and a worker reads every minute: on a busy computer, later."""


def works(portal: PortalProcess, workload: str, made: dict[str, Any]) -> None:
    portal.cloud("POST", "/_emulator/faults", {"preset": workload, "id": f"{made['name']}-{made['id']}$"})


def until(api: ApiUser, made: dict[str, Any], is_so: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """Its idle stop, once it is so."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so(state := api.call("GET", f"/api/v1/workstations/{made['id']}/idle-stop").json):
        assert time.monotonic() < deadline, state
        time.sleep(1)
    return dict(state)


def move_back(portal: PortalProcess, made: dict[str, Any]) -> None:
    """As if it had become idle two hours ago, and its owner had been warned."""
    with psycopg.connect(portal.up["DATABASE_URL"]) as database:
        database.execute(
            "UPDATE workstations SET running_at = running_at - interval '3 hours', "
            "idle_since = idle_since - interval '2 hours', idle_warned_at = now() - interval '31 minutes' "
            "WHERE id = %s",
            [made["id"]],
        )


def test_an_idle_gpu_is_stopped_with_evidence_after_a_keep_and_a_training_goes_on(
    person: Person, equipped: Laptop, grace_api: ApiUser, portal: PortalProcess
) -> None:
    resting = grace_api.create("resting", machine_type="g2-standard-4")
    training = grace_api.create("training", machine_type="g2-standard-4")
    for made in (resting, training):
        grace_api.wait(made["id"], "running")
        answer = grace_api.call("PUT", f"/api/v1/workstations/{made['id']}/idle-stop", {"minutes": 60})
        assert answer.json["counts_minutes"] == 60
    works(portal, "train-silently", training)
    works(portal, "rest", resting)
    install(person, equipped, grace_api)

    said = equipped.ssh(*NO_QUESTION, "resting", "keep 4h")
    assert said.startswith("Kept running until ")
    kept = until(grace_api, resting, lambda state: state["kept_until"])
    assert kept["kept_until"][:16] in said
    until(grace_api, resting, lambda state: state["idle_since"])
    person.open(f"/workstations/{resting['id']}")
    expect(person.page.get_by_text("By keep, typed on the machine")).to_be_visible()
    person.page.get_by_role("button", name="Don't keep running").click()
    expect(person.page.get_by_text("No longer kept running.")).to_be_visible()

    in_use = until(grace_api, training, lambda state: "GPU 99%" in state["in_use"])
    assert (in_use["idle_since"], in_use["stops_at"]) == (None, None)
    until(grace_api, resting, lambda state: state["idle_since"])
    for made in (training, resting):
        move_back(portal, made)
    grace_api.wait(resting["id"], "stopped", seconds=PATIENCE_S)
    person.open(f"/workstations/{resting['id']}")
    history = person.page.get_by_role("region", name="History")
    expect(history.get_by_text("idle since").filter(has_text="GPU at most 0 %")).to_be_visible()
    assert grace_api.wait(training["id"], "running")["status"] == "running"
