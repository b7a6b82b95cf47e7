"""Snapshots on the workstation's page: taken, listed with their prices, deleted after a question."""

import httpx2
import pytest
from sqlalchemy import select

from app.models import Run, RunKind, Snapshot
from tests.clients import create, refusal, run_from, run_of
from tests.stage import Stage

pytestmark = pytest.mark.anyio


async def test_a_snapshot_is_requested_once_and_listed(grace: httpx2.AsyncClient, stage: Stage) -> None:
    machine = await stage.make()
    page = await grace.get(f"/workstations/{machine.id}")
    assert "None yet. A snapshot keeps the files in /home/jupyter" in page.text

    run_id = await run_from(grace, machine.id, "snapshots")
    await grace.post(f"/workstations/{machine.id}/snapshots")
    async with stage.database.sessions() as session:
        assert list(await session.scalars(select(Run.id).where(Run.kind == RunKind.SNAPSHOT))) == [run_id]
    await stage.snapshot(machine.id, storage_bytes=10 << 30)

    page = await grace.get(f"/workstations/{machine.id}")
    assert "By hand · 10.0 GB stored" in page.text
    # 10 GB at $0.053.
    assert "$0.53</span> per month" in page.text


async def test_what_google_has_not_measured_yet_has_no_price(grace: httpx2.AsyncClient, stage: Stage) -> None:
    machine = await stage.make()
    await stage.snapshot(machine.id, storage_bytes=None)
    page = await grace.get(f"/workstations/{machine.id}")
    assert "Being measured" in page.text
    assert "Price unknown" in page.text


async def test_a_snapshot_is_deleted_after_a_question(grace: httpx2.AsyncClient, stage: Stage) -> None:
    machine = await stage.make()
    snapshot = await stage.snapshot(machine.id)
    path = f"/workstations/{machine.id}/snapshots/{snapshot.id}/delete"
    assert snapshot.name in (await grace.get(path)).text

    for _ in range(2):
        answer = await grace.post(path)
        assert answer.headers["location"] == f"/workstations/{machine.id}?done=snapshot_deleted"
    page = await grace.get(answer.headers["location"])
    assert "Snapshot is being deleted." in page.text
    assert (await stage.row(Snapshot, snapshot.id)).delete_requested_at == stage.clock()
    assert f"{snapshot.id}/delete" not in page.text


async def test_another_workstations_snapshot_is_not_found(grace: httpx2.AsyncClient, stage: Stage) -> None:
    one, other = await stage.make(), await stage.make("dev-2")
    snapshot = await stage.snapshot(other.id)
    for method, path in (
        ("GET", f"/workstations/{one.id}/snapshots/{snapshot.id}/delete"),
        ("POST", f"/workstations/{one.id}/snapshots/{snapshot.id}/delete"),
        ("DELETE", f"/api/v1/workstations/{one.id}/snapshots/{snapshot.id}"),
    ):
        assert (await grace.request(method, path)).status_code == 404


async def test_a_machine_that_is_being_made_has_nothing_to_keep(grace: httpx2.AsyncClient, stage: Stage) -> None:
    workstation_id = await create(grace)
    path = f"/workstations/{workstation_id}"
    page = await refusal(grace, f"{path}/snapshots")
    assert "Another run of dev-1 is queued." in page.text
    await stage.fail(await run_of(grace, workstation_id))
    assert "Take snapshot" in (await grace.get(path)).text


async def test_the_api_lists_takes_and_deletes(grace: httpx2.AsyncClient, stage: Stage) -> None:
    machine = await stage.make()
    path = f"/api/v1/workstations/{machine.id}/snapshots"
    answer = await grace.post(path)
    assert answer.status_code == 202
    assert (await stage.row(Run, answer.json()["run_id"])).kind is RunKind.SNAPSHOT
    snapshot = await stage.snapshot(machine.id, storage_bytes=1 << 30)

    [listed] = (await grace.get(path)).json()
    assert listed["id"] == snapshot.id
    assert (listed["storage_bytes"], listed["usd_per_month"], listed["reason"]) == (1 << 30, 0.053, "manual")
    assert (await grace.delete(f"{path}/{snapshot.id}")).json()["is_being_deleted"]
