"""A disk is reverted to a snapshot: asked for on the page, and approved by whoever knows what is lost."""

import httpx2
import pytest

from app.models import Run, RunKind, Workstation
from tests.app.routers.lost_disk import DISK
from tests.clients import refusal
from tests.stage import Stage

pytestmark = pytest.mark.anyio


async def test_a_revert_leads_to_its_run_which_says_what_is_lost(grace: httpx2.AsyncClient, stage: Stage) -> None:
    machine = await stage.make()
    snapshot = await stage.snapshot(machine.id)
    path = f"/workstations/{machine.id}/snapshots"
    assert (
        f"Revert the disk to the snapshot of {snapshot.date}" in (await grace.get(f"/workstations/{machine.id}")).text
    )
    answer = await grace.post(f"{path}/{snapshot.id}/revert")
    run_id = answer.headers["location"].removeprefix("/runs/")
    run = await stage.row(Run, run_id)
    assert (run.kind, run.inputs) == (RunKind.REVERT, {"disk_snapshot": snapshot.name})
    again = await grace.post(f"/api/v1{path}/{snapshot.id}/revert")
    assert (again.status_code, again.json()["run_id"]) == (202, run_id)

    await stage.await_approval(run_id, [{"address": DISK, "action": "replace", "name": machine.disk_name}])
    page = (await grace.get(f"/runs/{run_id}")).text
    assert "What was changed on the disk since is not on" in page
    assert "This cannot be undone" not in page


async def test_what_the_disk_is_made_from_is_not_deleted(grace: httpx2.AsyncClient, stage: Stage) -> None:
    machine = await stage.make()
    snapshot = await stage.snapshot(machine.id)
    async with stage.database.sessions.begin() as session:
        (await session.get_one(Workstation, machine.id)).disk_snapshot = snapshot.name
    page = await refusal(grace, f"/workstations/{machine.id}/snapshots/{snapshot.id}/delete")
    assert "The data disk is being made from this snapshot." in page.text
