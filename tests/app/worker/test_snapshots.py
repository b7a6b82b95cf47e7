"""Snapshots: taken once by a run, adopted after a worker's death, deleted and measured by periodic work."""

from dataclasses import replace

import pytest
from google.api_core.exceptions import Forbidden, ServiceUnavailable
from sqlalchemy import select

from app.infra.machines import OperationFailedError
from app.infra.snapshots import StoredSnapshot
from app.models import RunStatus, Snapshot, SnapshotReason, Workstation, WorkstationStatus
from app.services.workstations import snapshots
from app.worker import claim as claims
from app.worker import periodic
from app.worker import snapshots as worker_snapshots
from app.worker.claim import Tools
from app.worker.execute import execute
from tests.app.worker.scripted import (
    PRESSED,
    PromptCompute,
    Script,
    SnapshotsInMemory,
    interrupt,
    log_of,
    run_of,
    spec,
    workstation_of,
    writes_state,
)
from tests.app.worker.test_power import as_grace
from tests.app.worker.test_restart import hurried

pytestmark = pytest.mark.anyio


@pytest.fixture
async def machine(tools: Tools, script: Script) -> str:
    """A workstation that runs, with its data disk."""
    script.on("apply", writes_state(3, disk_gb=100))
    workstation_id, run_id = await spec(tools)
    await execute(tools, run_id)
    return workstation_id


def google(tools: Tools) -> SnapshotsInMemory:
    assert isinstance(tools.compute, PromptCompute)
    return tools.compute.snapshots


async def ask(tools: Tools, workstation_id: str) -> str:
    async with as_grace(tools) as ctx:
        return (await snapshots.request(ctx, await ctx.session.get_one(Workstation, workstation_id))).id


async def rows(tools: Tools) -> list[Snapshot]:
    async with tools.database.sessions() as session:
        return list(await session.scalars(select(Snapshot)))


async def test_a_snapshot_is_taken_and_recorded_while_the_machine_runs(tools: Tools, machine: str) -> None:
    run_id = await ask(tools, machine)
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.APPLIED
    assert (await workstation_of(tools, machine)).status is WorkstationStatus.RUNNING
    [row] = await rows(tools)
    assert (row.name, row.run_id, row.reason) == (f"dev-1-{machine}-{run_id}", run_id, SnapshotReason.MANUAL)
    assert (row.zone, row.disk_size_gb, row.storage_bytes) == ("europe-west4-a", 100, 1 << 30)
    assert row.taken_at == PRESSED
    assert google(tools).stored[row.name].labels == {"stationmaster-stack": machine, "stationmaster-owner": "grace"}


async def test_a_lost_answer_makes_no_second_snapshot(tools: Tools, machine: str) -> None:
    tools = hurried(tools)
    google(tools).troubles, google(tools).answers_lost = [ConnectionResetError("lost")], True
    run_id = await ask(tools, machine)
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.APPLIED
    assert len(google(tools).requests) == 2
    assert len(set(google(tools).requests)) == 1
    assert len(await rows(tools)) == 1


async def test_the_next_worker_adopts_what_a_lost_one_had_taken(tools: Tools, machine: str) -> None:
    run_id = await ask(tools, machine)
    claim = await claims.take(tools, run_id)
    assert claim
    async with claim.writing() as (_, run):
        run.begin_apply(tools.clock())
    name = f"dev-1-{machine}-{run_id}"
    labels = {"stationmaster-stack": machine}
    google(tools).stored[name] = StoredSnapshot(name, True, PRESSED, 100, 5, labels)
    await interrupt(tools, run_id)
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.APPLIED
    [row] = await rows(tools)
    assert (row.name, row.storage_bytes) == (name, 5)


async def test_a_name_that_belongs_to_something_else_is_left_alone(tools: Tools, machine: str) -> None:
    run_id = await ask(tools, machine)
    name = f"dev-1-{machine}-{run_id}"
    google(tools).stored[name] = StoredSnapshot(name, True, PRESSED, 100, 5, {})
    await execute(tools, run_id)
    assert "belongs to something else" in ((await run_of(tools, run_id)).error or "")
    assert await rows(tools) == []


@pytest.mark.parametrize(
    "trouble", [OperationFailedError("createSnapshot: Error 403: Quota 'SNAPSHOTS' exceeded."), Forbidden("not yours")]
)
async def test_a_refusal_fails_the_run_and_leaves_the_machine(tools: Tools, machine: str, trouble: Exception) -> None:
    google(tools).troubles = [trouble]
    run_id = await ask(tools, machine)
    await execute(tools, run_id)
    run = await run_of(tools, run_id)
    assert run.status is RunStatus.ERRORED
    assert str(trouble) in (run.error or "")
    assert (await workstation_of(tools, machine)).status is WorkstationStatus.RUNNING
    assert await rows(tools) == []


async def test_google_may_take_longer_than_one_wait(
    tools: Tools, machine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_snapshots, "LOOK_AGAIN_SECONDS", 0.01)
    google(tools).waits = 3
    run_id = await ask(tools, machine)
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.APPLIED
    assert len(google(tools).requests) == 4


async def test_a_machine_without_a_disk_says_so(tools: Tools, machine: str, script: Script) -> None:
    script.on("apply", writes_state(3))
    workstation_id, run_id = await spec(tools, "dev-2")
    await execute(tools, run_id)
    run_id = await ask(tools, workstation_id)
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).error == "There is no data disk to take a snapshot of."


async def test_deletions_are_tried_until_google_has_done_them(tools: Tools, machine: str) -> None:
    await execute(tools, await ask(tools, machine))
    [row] = await rows(tools)
    async with as_grace(tools) as ctx:
        workstation = await ctx.session.get_one(Workstation, machine)
        await snapshots.delete(ctx, workstation, await snapshots.find(ctx.session, workstation, row.id))
    google(tools).troubles = [ServiceUnavailable("later")]
    await periodic.do(tools)
    assert len(await rows(tools)) == 1
    await periodic.do(tools)
    assert await rows(tools) == []
    assert google(tools).stored == {}


async def test_sizes_follow_once_google_has_measured_them(tools: Tools, machine: str) -> None:
    google(tools).is_measured = False
    await execute(tools, await ask(tools, machine))
    [row] = await rows(tools)
    assert row.storage_bytes is None
    await periodic.do(tools)
    stored = google(tools).stored
    stored[row.name] = replace(stored[row.name], storage_bytes=7)
    await periodic.do(tools)
    [row] = await rows(tools)
    assert row.storage_bytes == 7


async def test_what_somebody_deleted_at_google_is_listed_no_more(tools: Tools, machine: str) -> None:
    google(tools).is_measured = False
    await execute(tools, await ask(tools, machine))
    google(tools).stored.clear()
    await periodic.do(tools)
    assert await rows(tools) == []


async def test_the_log_names_the_disk(tools: Tools, machine: str) -> None:
    run_id = await ask(tools, machine)
    await execute(tools, run_id)
    assert "Taking a snapshot of the data disk dev-1-x-home." in await log_of(tools, run_id)
