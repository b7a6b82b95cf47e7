"""Snapshots that are opened on their machine: mounted or not, closed again, and never forgotten at Google."""

import json
from datetime import timedelta

import pytest

from app.errors import ConflictError
from app.models import CancelMode, Run, RunKind, RunStatus, Snapshot, Stack, Workstation
from app.services import decisions, runs, workstations
from app.services.workstations import daily_snapshots, opened_snapshots, resting, snapshots
from app.services.workstations.specs import WorkstationPatch
from app.worker import periodic
from app.worker.claim import Tools
from app.worker.execute import execute
from app.worker.kinds import opened_snapshot
from tests.app.worker.scripted import PromptCompute, Script, log_of, lost_at, run_of, tells, workstation_of
from tests.app.worker.test_power import as_grace
from tests.app.worker.test_snapshots import ask, machine, rows
from tests.parts import MovingClock

__all__ = ["machine"]
pytestmark = pytest.mark.anyio
COPY = 'module.compute[0].google_compute_disk.opened["2026-01-05-1300"]'


def told(tools: Tools, text: str) -> None:
    """The machine says so of snapshots that are open."""
    assert isinstance(tools.compute, PromptCompute)
    tools.compute.told["snapshot"] = text


@pytest.fixture
async def snapshot(tools: Tools, machine: str) -> Snapshot:
    await execute(tools, await ask(tools, machine))
    [taken] = await rows(tools)
    return taken


@pytest.fixture(autouse=True)
def changes(script: Script, snapshot: Snapshot) -> None:
    """Every plan changes something from now on, and writes down the variables it was made with."""
    plan = f"cat terraform.tfvars.json >> {script.folder}/variables; echo >> {script.folder}/variables"
    script.on("plan", f"echo plan > tfplan; {plan}\n" + tells("planned_change", COPY, "create"))


def planned_with(script: Script) -> list[str | None]:
    """Of each plan, the date of the snapshot that is to be open."""
    lines = (script.folder / "variables").read_text().replace("}{", "}\n{")
    decoder, found, at = json.JSONDecoder(), [], 0
    while at < len(lines.rstrip()):
        variables, at = decoder.raw_decode(lines, at)
        at = len(lines) - len(lines[at:].lstrip())
        found.append(variables["opened_snapshot"] and variables["opened_snapshot"]["date"])
    return found


async def open_it(tools: Tools, snapshot: Snapshot) -> str:
    async with as_grace(tools) as ctx:
        workstation = await ctx.session.get_one(Workstation, snapshot.workstation_id)
        return (await opened_snapshots.request(ctx, workstation, await ctx.session.merge(snapshot))).id


async def close_it(tools: Tools, workstation_id: str) -> str:
    async with as_grace(tools) as ctx:
        return (await opened_snapshots.close(ctx, await ctx.session.get_one(Workstation, workstation_id))).id


async def test_it_is_open_once_the_machine_has_mounted_it(tools: Tools, snapshot: Snapshot, script: Script) -> None:
    told(tools, "2026-01-05-1300 mounted")
    run_id = await open_it(tools, snapshot)
    await execute(tools, run_id)
    assert "Mounted read-only at /home/jupyter/.snapshots/2026-01-05-1300." in await log_of(tools, run_id)
    workstation = await workstation_of(tools, snapshot.workstation_id)
    assert workstation.has_opened(snapshot.name)
    assert workstation.opened_until == tools.clock() + timedelta(hours=24)

    # What else is changed leaves it open.
    async with as_grace(tools) as ctx:
        row = await ctx.session.get_one(Workstation, workstation.id)
        update = (await workstations.request_change(ctx, row, WorkstationPatch(spot=True))).id
    await execute(tools, update)
    close_id = await close_it(tools, workstation.id)
    await execute(tools, close_id)
    assert planned_with(script) == ["2026-01-05-1300", "2026-01-05-1300", None]
    workstation = await workstation_of(tools, workstation.id)
    assert (workstation.opened_snapshot, workstation.opened_until) == (None, None)


async def test_a_copy_that_a_lost_worker_has_deleted_is_taken_out_of_the_state(
    tools: Tools, snapshot: Snapshot, script: Script
) -> None:
    told(tools, "2026-01-05-1300 mounted")
    await execute(tools, await open_it(tools, snapshot))
    # Its Terraform had deleted it; what it wrote down then is lost.
    script.on("plan", tells("resource_drift", COPY, "delete"))
    run_id = await close_it(tools, snapshot.workstation_id)
    await execute(tools, run_id)
    assert script.calls[-1].split()[0] == "apply"
    assert (await run_of(tools, run_id)).status is RunStatus.APPLIED


async def test_what_cannot_be_mounted_fails_with_the_reason_and_can_be_closed(tools: Tools, snapshot: Snapshot) -> None:
    told(tools, "2026-01-05-1300 failed wrong fs type")
    run_id = await open_it(tools, snapshot)
    await execute(tools, run_id)
    run = await run_of(tools, run_id)
    assert (run.status, run.error) == (
        RunStatus.ERRORED,
        "The machine could not mount the snapshot: wrong fs type",
    )
    await execute(tools, await close_it(tools, snapshot.workstation_id))
    assert (await workstation_of(tools, snapshot.workstation_id)).opened_snapshot is None


async def test_a_machine_that_says_nothing_is_not_waited_for_for_ever(
    tools: Tools, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opened_snapshot, "MOUNT_SECONDS", 0.0)
    run_id = await open_it(tools, snapshot)
    await execute(tools, run_id)
    assert "the machine has not mounted it" in await log_of(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.APPLIED


async def test_a_canceled_opening_looks_for_the_disk_that_it_may_have_made(
    tools: Tools, snapshot: Snapshot, script: Script
) -> None:
    run_id = await open_it(tools, snapshot)
    await lost_at(tools, run_id, "apply-1.1")
    async with as_grace(tools) as ctx:
        (await ctx.session.get_one(Workstation, snapshot.workstation_id)).set_opened({"name": snapshot.name}, ctx.now)
        (await ctx.session.get_one(Stack, snapshot.workstation_id)).needs_reconcile = True
        await decisions.cancel(ctx, await ctx.session.get_one(Run, run_id), CancelMode.NOW)
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.CANCELED
    # The first plan finds what has to be imported; the second one deletes it.
    assert planned_with(script) == ["2026-01-05-1300", None]
    assert (await workstation_of(tools, snapshot.workstation_id)).opened_snapshot is None


async def test_after_a_day_it_is_closed_once(tools: Tools, snapshot: Snapshot, clock: MovingClock) -> None:
    told(tools, "2026-01-05-1300 mounted")
    await execute(tools, await open_it(tools, snapshot))
    await periodic.do(tools)
    async with tools.database.sessions() as session:
        assert await runs.pending(session, snapshot.workstation_id) == []
    clock.advance(hours=24)
    await periodic.do(tools)
    await periodic.do(tools)
    async with tools.database.sessions() as session:
        [run] = await runs.pending(session, snapshot.workstation_id)
    assert (run.kind, run.reason, run.requested_by) == (RunKind.CLOSE, "Open for 24 hours", None)
    await execute(tools, run.id)
    assert (await workstation_of(tools, snapshot.workstation_id)).opened_until is None


async def test_a_close_that_a_change_has_superseded_follows_that(
    tools: Tools, snapshot: Snapshot, clock: MovingClock
) -> None:
    told(tools, "2026-01-05-1300 mounted")
    await execute(tools, await open_it(tools, snapshot))
    clock.advance(minutes=1)
    closing = await close_it(tools, snapshot.workstation_id)
    clock.advance(minutes=1)
    async with as_grace(tools) as ctx:
        row = await ctx.session.get_one(Workstation, snapshot.workstation_id)
        change = (await workstations.request_change(ctx, row, WorkstationPatch(spot=True))).id
    assert (await run_of(tools, closing)).status is RunStatus.SUPERSEDED
    await periodic.do(tools)
    await execute(tools, change)
    await periodic.do(tools)
    async with tools.database.sessions() as session:
        [run] = await runs.pending(session, snapshot.workstation_id)
    assert (run.kind, run.reason) == (RunKind.CLOSE, "Requested before another change")
    await execute(tools, run.id)
    await periodic.do(tools)
    async with tools.database.sessions() as session:
        assert await runs.pending(session, snapshot.workstation_id) == []


async def test_a_snapshot_that_is_open_is_not_deleted(tools: Tools, snapshot: Snapshot) -> None:
    told(tools, "2026-01-05-1300 mounted")
    await execute(tools, await open_it(tools, snapshot))
    async with as_grace(tools) as ctx:
        row = await ctx.session.get_one(Snapshot, snapshot.id)
        workstation = await ctx.session.get_one(Workstation, snapshot.workstation_id)
        with pytest.raises(ConflictError, match="This snapshot is open"):
            await snapshots.delete(ctx, workstation, row)
        row.expires_at = ctx.now - timedelta(days=1)
        await ctx.session.flush()
        assert list(await resting.expire(ctx)) == []
        assert await daily_snapshots.thin(ctx) == []


async def test_opening_needs_a_running_machine_and_no_other_run_in_the_queue(tools: Tools, snapshot: Snapshot) -> None:
    first = await open_it(tools, snapshot)
    assert await open_it(tools, snapshot) == first
    with pytest.raises(ConflictError, match="No snapshot of dev-1 is open"):
        await close_it(tools, snapshot.workstation_id)
    async with as_grace(tools) as ctx:
        await decisions.cancel(ctx, await ctx.session.get_one(Run, first), CancelMode.UNDO)
    queued = await ask(tools, snapshot.workstation_id)
    with pytest.raises(ConflictError, match="Another run of dev-1 is queued"):
        await open_it(tools, snapshot)
    await execute(tools, queued)
    async with as_grace(tools) as ctx:
        (await ctx.session.get_one(Workstation, snapshot.workstation_id)).become_stopped()
    with pytest.raises(ConflictError, match="dev-1 is not running"):
        await open_it(tools, snapshot)
