"""Many requests for one workstation at once: they are taken one at a time, and the last one counts."""

import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from app.crypto import Vault
from tests.portal_process import Answer, ApiUser, PortalProcess, running_portal

pytestmark = pytest.mark.long
SEED = 121670
"""One whose destroys come in the middle: what is to be destroyed takes no change, and its name no create."""
NAME = "fickle"
TEN = range(10)
HANDS = 5
FOR_S = 16.0
"""How long they go on requesting: a few runs come to their end meanwhile."""
QUIET_S = 240.0
CREATED = {"machine_type": "e2-standard-4", "disk_size_gb": 100}
EXECUTING_OR_QUEUED = {"queued", "planning", "awaiting_approval", "applying", "interrupted"}


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[PortalProcess]:
    with running_portal(tmp_path / "data", {"EMULATOR_LATENCY": "0.3"}) as portal:
        yield portal


@dataclass
class SharedStackSpec:
    """One call of somebody's, and what became of it."""

    method: str
    desired: dict[str, Any] | None
    """What is to be there: none for a destroy."""
    after_s: float
    asked_at: float = 0.0
    answered_at: float = 0.0
    answer: Answer | None = None

    @property
    def is_accepted(self) -> bool:
        """Whether it is a request of its own: a create that joins (200) is the one before it once more."""
        return self.answer is not None and self.answer.status in {201, 202}

    def make(self, user: ApiUser, begin: float) -> None:
        time.sleep(max(0.0, begin + self.after_s - time.monotonic()))
        path = "/api/v1/workstations"
        if self.method != "POST":
            items = user.call("GET", f"{path}?name={NAME}").json["items"]
            if not items:
                return
            path += f"/{items[0]['id']}"
        body = {"name": NAME, **CREATED} if self.method == "POST" else self.desired
        self.asked_at = time.monotonic()
        self.answer = user.call(self.method, path, body)
        self.answered_at = time.monotonic()
        assert self.answer.status in {200, 201, 202, 409}, self.answer.text


def requests(dice: random.Random) -> list[SharedStackSpec]:
    """Ten of each; a disk may be requested that is smaller than the one that is there."""
    sizes, machines = (50, 100, 200), ("e2-standard-4", "e2-standard-8", "e2-standard-16")
    changes = [{"machine_type": dice.choice(machines), "disk_size_gb": dice.choice(sizes)} for _ in TEN]
    made = [("POST", CREATED) for _ in TEN] + [("DELETE", None) for _ in TEN] + [("PATCH", each) for each in changes]
    return [SharedStackSpec(method, desired, dice.uniform(0, FOR_S)) for method, desired in made]


def all_runs(portal: PortalProcess) -> list[dict[str, Any]]:
    query = """
        SELECT runs.*, workstations.name FROM runs JOIN workstations ON workstations.id = runs.stack_id
        WHERE workstations.name = %s ORDER BY runs.created_at
    """
    with psycopg.connect(portal.up["DATABASE_URL"], row_factory=dict_row) as database:
        return database.execute(query, (NAME,)).fetchall()


def wait_until_quiet(user: ApiUser) -> list[dict[str, Any]]:
    """Until every run has ended; what waits for a decision is approved."""
    deadline = time.monotonic() + QUIET_S
    while True:
        runs = all_runs(user.portal)
        busy = [run for run in runs if run["status"] in EXECUTING_OR_QUEUED]
        if not busy:
            return runs
        assert time.monotonic() < deadline, busy
        for run in busy:
            if run["status"] == "awaiting_approval" and run["approved_at"] is None:
                disk = f"{NAME}-{run['stack_id']}-home"
                user.call("POST", f"/api/v1/runs/{run['id']}/approve", {"confirm": disk})
        time.sleep(0.3)


def newest_state(portal: PortalProcess, stack_id: str) -> dict[str, dict[str, Any]]:
    """Terraform's own word: type of resource → its attributes."""
    query = "SELECT sealed FROM state_versions WHERE stack_id = %s AND NOT quarantined ORDER BY number DESC LIMIT 1"
    with psycopg.connect(portal.up["DATABASE_URL"]) as database:
        row = database.execute(query, (stack_id,)).fetchone()
    if row is None:
        return {}
    state = json.loads(Vault(portal.up["STATIONMASTER_ENCRYPTION_KEYS"].split(",")).open(row[0]))
    managed = [resource for resource in state["resources"] if resource["mode"] == "managed"]
    return {resource["type"]: resource["instances"][0]["attributes"] for resource in managed}


def what_is(user: ApiUser, runs: list[dict[str, Any]]) -> dict[str, Any] | None:
    """What all agree on: the API, the cloud and the state."""
    cloud = {
        each["type"]: each["state"]
        for each in user.portal.cloud("GET", "/_emulator/objects")
        if f"/{NAME}-" in each["id"]
    }
    items = user.call("GET", f"/api/v1/workstations?name={NAME}").json["items"]
    for stack_id in {run["stack_id"] for run in runs} - {item["id"] for item in items}:
        assert newest_state(user.portal, stack_id) == {}
    if not items:
        assert cloud == {}
        return None
    [there] = items
    assert there["status"] == "running", user.log(there["run_id"])
    seen_by_api = {field: there[field] for field in CREATED}
    assert as_requested(cloud) == as_requested(newest_state(user.portal, there["id"])) == seen_by_api
    return seen_by_api


def as_requested(resources: dict[str, dict[str, Any]]) -> dict[str, Any]:
    instance, disk = resources["google_compute_instance"], resources["google_compute_disk"]
    return {"machine_type": instance["machine_type"], "disk_size_gb": disk["size"]}


def test_of_thirty_requests_at_random_moments_the_last_one_counts(portal: PortalProcess) -> None:
    print(f"Seed {SEED}.")
    user, made = ApiUser(portal, "grace@example.com"), requests(random.Random(SEED))
    begin = time.monotonic()
    with ThreadPoolExecutor(HANDS) as hands:
        list(hands.map(lambda spec: spec.make(user, begin), sorted(made, key=lambda spec: spec.after_s)))
    runs = wait_until_quiet(user)
    print(", ".join(f"{run['kind']} {run['status']}" for run in runs))

    accepted = [spec for spec in made if spec.is_accepted]
    assert {spec.method for spec in accepted} == {"POST", "DELETE", "PATCH"}
    # Two requests may have been under way at once in the end: either may be the last.
    last_asked_at = max(spec.asked_at for spec in accepted)
    assert what_is(user, runs) in [spec.desired for spec in accepted if spec.answered_at >= last_asked_at]

    assert {run["status"] for run in runs} <= {"applied", "no_changes", "superseded"}, [run["error"] for run in runs]
    ids = {run["id"]: run for run in runs}
    for run in runs:
        is_superseded = run["status"] == "superseded"
        assert is_superseded == (run["superseded_by"] is not None)
        assert not is_superseded or ids[run["superseded_by"]]["stack_id"] == run["stack_id"]
    executed = sorted((run for run in runs if run["claimed_at"]), key=lambda run: run["claimed_at"])
    for one, next_one in pairwise(executed):
        assert one["finished_at"] <= next_one["claimed_at"], "two at once"
