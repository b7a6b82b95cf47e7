"""Runs by the API: what they plan, why they wait, and what people decide."""

from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from tests.app.routers.lost_disk import DISK, await_approval
from tests.clients import script_of
from tests.parts import MovingClock
from tests.stage import Stage

pytestmark = pytest.mark.anyio
MACHINES = "/api/v1/workstations"
RUNS = "/api/v1/runs"


async def create(script: httpx2.AsyncClient) -> tuple[str, str]:
    """A machine; its id and its run's."""
    machine = (await script.post(MACHINES, json={"name": "box", "machine_type": "e2-standard-4"})).json()
    return machine["id"], machine["run_id"]


async def read(script: httpx2.AsyncClient, run_id: str) -> dict[str, Any]:
    answer: dict[str, Any] = (await script.get(f"{RUNS}/{run_id}")).json()
    return answer


@pytest.fixture
async def asked(stage: Stage, script: httpx2.AsyncClient, clock: MovingClock) -> tuple[str, str]:
    """A machine whose change would lose its disk: its id, and the run that waits for a decision."""
    machine_id, run_id = await create(script)
    await stage.carry_out(run_id)
    clock.advance(minutes=1)
    desired = (await script.patch(f"{MACHINES}/{machine_id}", json={"disk_size_gb": 50})).json()["run_id"]
    await await_approval(stage, desired)
    return machine_id, desired


async def test_a_plan_is_told_attribute_by_attribute(script: httpx2.AsyncClient, asked: tuple[str, str]) -> None:
    machine_id, run_id = asked
    run = await read(script, run_id)

    assert (run["status"], run["can_approve"], run["changes"]) == ("awaiting_approval", True, {"disk_size_gb": 50})
    name = f"box-{machine_id}-home"
    assert run["awaits"] == [{"address": DISK, "action": "replace", "name": name, "member": None, "role": None}]
    disk, machine = run["plan"]
    assert (disk["address"], disk["action"], disk["state"]) == (DISK, "replace", "pending")
    assert disk["attributes"][0] == {"path": "size", "before": "100", "after": "50", "note": "forces replacement"}
    assert machine["attributes"][0]["after"] == "<i>new</i>"


async def test_a_loss_is_approved_by_the_name_of_the_disk_alone(
    script: httpx2.AsyncClient, asked: tuple[str, str]
) -> None:
    machine_id, run_id = asked
    without = await script.post(f"{RUNS}/{run_id}/approve")
    wrong = await script.post(f"{RUNS}/{run_id}/approve", json={"confirm": "box"})
    right = await script.post(f"{RUNS}/{run_id}/approve", json={"confirm": f"box-{machine_id}-home"})
    again = await script.post(f"{RUNS}/{run_id}/approve", json={"confirm": f"box-{machine_id}-home"})

    assert (without.status_code, wrong.status_code, right.status_code, again.status_code) == (422, 422, 202, 409)
    assert f"box-{machine_id}-home" in wrong.json()["error"]["fields"]["confirm"]
    assert right.json()["can_approve"] is False


async def test_what_is_discarded_changes_nothing(script: httpx2.AsyncClient, asked: tuple[str, str]) -> None:
    discarded = await script.post(f"{RUNS}/{asked[1]}/discard")

    assert (discarded.status_code, discarded.json()["status"]) == (200, "discarded")
    machine = (await script.get(f"{MACHINES}/{asked[0]}")).json()
    assert (machine["status"], machine["disk_size_gb"]) == ("running", 100)
    assert (await script.post(f"{RUNS}/{asked[1]}/discard")).status_code == 409


async def test_a_run_that_applies_is_stopped_gently_then_harder_and_never_by_accident(
    stage: Stage, script: httpx2.AsyncClient
) -> None:
    _, run_id = await create(script)
    await stage.claim(run_id)
    await stage.apply(run_id)
    assert (await read(script, run_id))["cancel_choices"] == ["undo", "now"]

    for body, status, choices in (
        ({"mode": "force"}, 409, ["undo", "now"]),
        (None, 200, ["now"]),
        (None, 409, ["now"]),
        ({"mode": "now"}, 200, ["force"]),
        ({"mode": "now"}, 409, ["force"]),
        ({"mode": "force"}, 200, []),
        ({"mode": "force"}, 409, []),
    ):
        answer = await script.post(f"{RUNS}/{run_id}/cancel", json=body) if body else await _cancel(script, run_id)
        assert answer.status_code == status, (body, answer.text)
        assert (await read(script, run_id))["cancel_choices"] == choices
    assert (await read(script, run_id))["cancel"] == "force"


async def _cancel(script: httpx2.AsyncClient, run_id: str) -> httpx2.Response:
    return await script.post(f"{RUNS}/{run_id}/cancel")


async def test_a_run_says_why_it_waits_and_what_comes_next(
    stage: Stage, script: httpx2.AsyncClient, clock: MovingClock
) -> None:
    machine_id, first = await create(script)
    assert "worker" in (await read(script, first))["waits"]
    await stage.claim(first)
    clock.advance(minutes=1)
    second = (await script.patch(f"{MACHINES}/{machine_id}", json={"spot": True})).json()["run_id"]

    assert (await read(script, second))["waits"] == "Starts when the previous run has ended."
    assert (await read(script, first))["next_run_id"] == second
    assert (await read(script, first))["waits"] is None


async def test_a_run_that_is_tried_again_says_when(
    stage: Stage, script: httpx2.AsyncClient, clock: MovingClock
) -> None:
    _, run_id = await create(script)
    await stage.claim(run_id)
    async with stage.working_on(run_id) as (ctx, run):
        run.schedule_retry(ctx.now)

    assert (await read(script, run_id))["retry_at"] == clock().isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("body", [{"mode": "gently"}, {"mode": None}, {"mod": "now"}, [], "now"])
async def test_a_way_to_stop_that_does_not_exist_is_refused(script: httpx2.AsyncClient, body: object) -> None:
    _, run_id = await create(script)

    assert (await script.post(f"{RUNS}/{run_id}/cancel", json=body)).status_code == 422
    assert (await read(script, run_id))["status"] == "queued"


async def test_an_admin_decides_too(app: FastAPI, asked: tuple[str, str]) -> None:
    async with await script_of(app, "ada") as ada:
        assert (await ada.post(f"{RUNS}/{asked[1]}/discard")).status_code == 200
