"""Somebody thinks better of it: a run is stopped at each of its stages, in a browser, and leaves nothing behind.

How soon Terraform hears of it is printed (`pytest -rP`), and not asserted.
"""

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Person
from tests.portal_process import ApiUser, PortalProcess

INSTANCE = "google_compute_instance"
PATIENCE_MS = 180_000
PATIENCE_S = 180.0
ASKED = "Asked Terraform to stop."
KILLED = "Killing Terraform, as requested."
UNDO = "Stop after this step and roll back"
NOW = "Stop now and roll back"


pytestmark = pytest.mark.long


@pytest.fixture(autouse=True)
def no_fault_is_left(portal: PortalProcess) -> Iterator[None]:
    yield
    portal.cloud("DELETE", "/_emulator/faults")


@pytest.fixture(scope="module")
def steady(grace_api: ApiUser) -> dict[str, Any]:
    """A machine that runs, and that every test here leaves as it found it."""
    made = grace_api.create("steady")
    return grace_api.wait(made["id"], "running", "failed", seconds=PATIENCE_S)


def cause(portal: PortalProcess, name: str, op: str, **fault: object) -> None:
    """Trouble for what has this name."""
    portal.cloud("POST", "/_emulator/faults", {"id": name, "op": op, **fault})


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def until_log_says(user: ApiUser, run_id: str, text: str) -> None:
    until(lambda: any(text in message for message in user.log(run_id)))


def print_delay(portal: PortalProcess, run_id: str, message: str) -> None:
    """From the (last) request to stop until its worker had told Terraform."""
    query = """
        SELECT extract(epoch FROM log_lines.at - runs.cancel_at) FROM log_lines JOIN runs ON runs.id = log_lines.run_id
        WHERE runs.id = %s AND log_lines.message = %s
    """
    with psycopg.connect(portal.up["DATABASE_URL"]) as database:
        row = database.execute(query, (run_id, message)).fetchone()
    assert row, "Terraform was not told"
    print(f"{message} After {row[0]:.2f} s.")


def slow_create(user: ApiUser, name: str, seconds: float) -> dict[str, Any]:
    """A new workstation whose machine is being made."""
    cause(user.portal, name, "create", type=INSTANCE, delay=seconds)
    made = user.create(name)
    until_log_says(user, made["run_id"], f"{INSTANCE}.workstation: Creating...")
    return made


def press(person: Person, run_id: str, button: str) -> None:
    """At the run's page."""
    person.open(f"/runs/{run_id}")
    person.page.get_by_role("button", name=button, exact=True).click()


def sees(person: Person, state: str) -> None:
    expect(person.page.get_by_text(state, exact=True).first).to_be_visible(timeout=PATIENCE_MS)


def is_undone(user: ApiUser, made: dict[str, Any], name: str) -> None:
    """A machine that never was: the run is cancelled, and nothing costs anything."""
    run = user.wait_run(made["run_id"], "canceled", "errored", "applied")
    assert run["status"] == "canceled", user.log(run["id"])
    assert user.call("GET", f"/api/v1/workstations/{made['id']}").json["status"] == "destroyed"
    assert user.portal.cloud_objects(name) == []


def is_as_before(user: ApiUser, before: dict[str, Any]) -> None:
    now = user.call("GET", f"/api/v1/workstations/{before['id']}").json
    assert {**now, "run_id": ""} == {**before, "run_id": ""}
    [instance] = [
        each
        for each in user.portal.cloud("GET", "/_emulator/objects")
        if f"instances/steady-{before['id']}" in each["id"]
    ]
    assert instance["state"]["machine_type"] == before["machine_type"]


def test_a_run_that_waits_for_another_is_cancelled_at_once(
    person_without_javascript: Person, grace_api: ApiUser
) -> None:
    person = person_without_javascript
    person.sign_in("Grace Hopper")
    made = slow_create(grace_api, "queue-one", 15)
    spec = grace_api.call("PATCH", f"/api/v1/workstations/{made['id']}", {"machine_type": "e2-standard-8"}).json
    press(person, spec["run_id"], "Cancel")
    sees(person, "Canceled")
    assert grace_api.run(spec["run_id"])["claimed_at"] is None
    assert not grace_api.run(made["run_id"])["finished_at"], "the run before it goes on"
    running = grace_api.wait(made["id"], "running", "failed", seconds=PATIENCE_S)
    assert (running["status"], running["machine_type"]) == ("running", "e2-standard-4")


@pytest.mark.parametrize("kind", ["update", "destroy"])
def test_a_plan_is_stopped_and_nothing_was_changed(
    person: Person, grace_api: ApiUser, steady: dict[str, Any], kind: str
) -> None:
    person.sign_in("Grace Hopper")
    cause(person.portal, "steady", "read", delay=8, times=99)
    path = f"/api/v1/workstations/{steady['id']}"
    spec = grace_api.call("DELETE", path) if kind == "destroy" else grace_api.call("PATCH", path, {"disk_size_gb": 200})
    run_id = spec.json["run_id"]
    until(lambda: person.portal.cloud("GET", "/_emulator/faults")[0]["times"] < 99)
    press(person, run_id, "Cancel")
    sees(person, "Canceled")
    assert grace_api.log(run_id).count(ASKED) == 1
    print_delay(person.portal, run_id, ASKED)
    is_as_before(grace_api, steady)


@pytest.mark.parametrize("decision", ["discard", "cancel"])
def test_a_run_that_awaits_approval_ends_at_once(
    person: Person, grace_api: ApiUser, steady: dict[str, Any], decision: str
) -> None:
    person.sign_in("Grace Hopper")
    spec = grace_api.call("PATCH", f"/api/v1/workstations/{steady['id']}", {"disk_size_gb": 50}).json
    grace_api.wait_run(spec["run_id"], "awaiting_approval", "errored")
    if decision == "discard":
        press(person, spec["run_id"], "Discard plan")
        sees(person, "Discarded")
    else:
        # Its page offers to discard it, which is the same; a script may say either.
        assert grace_api.call("POST", f"/api/v1/runs/{spec['run_id']}/cancel").status == 200
        person.open(f"/runs/{spec['run_id']}")
        sees(person, "Canceled")
    is_as_before(grace_api, steady)


def test_stopped_after_its_step_an_apply_is_undone(person: Person, grace_api: ApiUser) -> None:
    person.sign_in("Grace Hopper")
    made = slow_create(grace_api, "gentle-one", 10)
    press(person, made["run_id"], UNDO)
    sees(person, "Stopping")
    sees(person, "Canceled")
    is_undone(grace_api, made, "gentle-one")
    assert ASKED not in grace_api.log(made["run_id"])


def test_stopped_now_terraform_is_interrupted_once_and_what_google_goes_on_making_is_undone(
    person: Person, grace_api: ApiUser
) -> None:
    person.sign_in("Grace Hopper")
    made = slow_create(grace_api, "brisk-one", 20)
    press(person, made["run_id"], NOW)
    sees(person, "Canceled")
    log = grace_api.log(made["run_id"])
    assert log.count(ASKED) == 1
    assert any("Adopting it." in message for message in log), log
    is_undone(grace_api, made, "brisk-one")
    print_delay(person.portal, made["run_id"], ASKED)


def test_a_terraform_that_does_not_stop_is_killed_and_what_it_made_is_undone(
    person: Person, grace_api: ApiUser
) -> None:
    person.sign_in("Grace Hopper")
    made = slow_create(grace_api, "stubborn-one", 20)
    hang(person.portal, made["run_id"])
    press(person, made["run_id"], NOW)
    until_log_says(grace_api, made["run_id"], ASKED)
    print_delay(person.portal, made["run_id"], ASKED)
    person.open(f"/runs/{made['run_id']}")
    person.page.get_by_role("link", name=re.compile("Kill Terraform")).click()
    expect(person.page.get_by_text("Waiting is safer than killing it.")).to_be_visible()
    person.page.get_by_role("button", name="Kill Terraform", exact=True).click()
    sees(person, "Canceled")
    log = grace_api.log(made["run_id"])
    assert (log.count(ASKED), log.count(KILLED)) == (1, 1)
    is_undone(grace_api, made, "stubborn-one")
    print_delay(person.portal, made["run_id"], KILLED)


def hang(portal: PortalProcess, run_id: str) -> None:
    """Terraform itself, in the middle of what it does: it hears nothing any more."""
    [recorded] = (portal.folder / "worker" / "runs" / run_id / "work").glob("apply-*.pid")
    os.kill(int(recorded.read_text().split()[0]), signal.SIGSTOP)


def test_a_machine_that_boots_is_stopped_and_undone(person_without_javascript: Person, grace_api: ApiUser) -> None:
    person = person_without_javascript
    person.sign_in("Grace Hopper")
    cause(person.portal, "sleepy-one", "getGuestAttributes", status=404, times=9999)
    made = grace_api.create("sleepy-one")
    until_log_says(grace_api, made["run_id"], "Waiting until it boots")
    press(person, made["run_id"], UNDO)
    sees(person, "Canceled")
    is_undone(grace_api, made, "sleepy-one")
