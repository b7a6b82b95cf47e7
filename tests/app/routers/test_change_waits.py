"""What pages and the API say of a change that waits for capacity: what it has done, and what ends the wait."""

import re

import httpx2
import pytest

from app.models import Run, RunStatus, Workstation
from app.models.placement import Placement
from app.services import lifecycle
from app.services.workstations import capacity
from app.services.workstations.capacity import CapacityWishes
from tests.stage import Stage

pytestmark = pytest.mark.anyio


async def waiting(stage: Stage) -> tuple[str, str]:
    """A machine whose change waits; returns the ids of the workstation and the run."""
    machine = await stage.make(machine_type="g2-standard-8")
    async with stage.acting("grace") as ctx:
        row = await ctx.session.get_one(Workstation, machine.id)
        await capacity.change(ctx, row, CapacityWishes(wait_hours=24))
    run_id = (await stage.change(machine.id, machine_type="g2-standard-4")).id
    async with stage.working_on(run_id) as (ctx, run):
        await lifecycle.claim(ctx, run, "w", "h")
        run.begin_apply(ctx.now)
        run.note_shortage(Placement.read(run.inputs), ctx.now, ["europe-west4-c"])
        await lifecycle.await_capacity(ctx, run, has_changed_anything=True)
    return machine.id, run_id


async def test_a_change_waits_as_long_as_the_owner_chose(stage: Stage, grace: httpx2.AsyncClient) -> None:
    workstation_id, run_id = await waiting(stage)
    answer = (await grace.get(f"/api/v1/runs/{run_id}")).json()
    machine = (await grace.get(f"/api/v1/workstations/{workstation_id}")).json()

    assert (answer["status"], answer["next_try_at"]) == ("waiting_for_capacity", "2026-03-02T09:33:00Z")
    assert (answer["wait_until"], answer["ahead"]) == ("2026-03-03T09:32:00Z", 0)
    # What is applied is known when the machine runs.
    assert (machine["status"], machine["machine_type"]) == ("waiting_for_capacity", "g2-standard-8")
    assert [each["placement"]["machine_type"] for each in answer["tried"]] == ["g2-standard-4"]


async def test_its_pages_say_that_the_machine_is_off_and_how_to_end_that(
    stage: Stage, grace: httpx2.AsyncClient
) -> None:
    workstation_id, run_id = await waiting(stage)
    pages = [(await grace.get(path)).text for path in (f"/workstations/{workstation_id}", f"/runs/{run_id}")]

    for page in pages:
        assert "This run has made changes, and the machine is off until then." in page
        assert "Cancel and roll back" in page
        assert re.findall(r"Move to ([\w-]+)", page)[0] == "europe-west4-c"
        assert "Stop after this step" not in page
    await grace.post(f"/runs/{run_id}/cancel")
    run, page = await stage.row(Run, run_id), (await grace.get(f"/runs/{run_id}")).text
    # A worker rolls it back at once.
    assert (run.status, run.next_try_at) == (RunStatus.WAITING_FOR_CAPACITY, stage.clock())
    assert "All changes of this run are rolled back." in page


async def test_what_takes_its_place_does_not_hide_what_it_has_done(stage: Stage, grace: httpx2.AsyncClient) -> None:
    workstation_id, run_id = await waiting(stage)
    answer = await grace.post(f"/workstations/{workstation_id}/change", data={"zone": "europe-west4-c"})
    newer = await stage.row(Run, await stage.pending(workstation_id))
    page = (await grace.get(f"/runs/{run_id}")).text

    assert answer.status_code == 303
    assert newer.changes == {"machine_type": "g2-standard-4", "zone": "europe-west4-c"}
    assert "What it had changed stays as it is." in page
    assert "No changes were made" not in page
