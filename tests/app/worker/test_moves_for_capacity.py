"""A machine with data moves where Google has capacity: what waits gives way, and what fails is noted."""

from dataclasses import replace

import pytest

from app.infra.machines import MachineState, OperationFailedError
from app.models import RunKind, RunStatus, Workstation, WorkstationStatus
from app.services import decisions, runs
from app.worker import claim as claims
from app.worker.claim import Tools
from app.worker.execute import carry_out, execute
from tests.app.worker.scripted import DISK, VM, PromptCompute, Script, log_of, run_of, spec, tells, workstation_of
from tests.app.worker.scripted import writes_state as writes
from tests.app.worker.test_capacity_wait import STOCK_OUT, request, work
from tests.app.worker.test_power import as_grace, ask, change, google
from tests.app.worker.test_restart import later
from tests.app.worker.test_shortage import A, B, C, none_in, seen, tried

pytestmark = pytest.mark.anyio
CPU = "e2-standard-4"
W, S = WorkstationStatus, RunStatus
MOVES = tells("planned_change", DISK, "replace") + tells("planned_change", VM, "replace")


class RunsElsewhere(PromptCompute):
    """Machines in other zones than the first one are new, and a new machine runs."""

    async def machine(self, zone: str, instance: str) -> MachineState | None:
        found = await super().machine(zone, instance)
        return found if zone == A or found is None else replace(found, status="RUNNING")


@pytest.fixture
def tools(tools: Tools) -> Tools:
    return replace(tools, compute=RunsElsewhere(tools.settings))


@pytest.fixture
async def off(tools: Tools, script: Script) -> str:
    """A stopped machine with a data disk, whose starts wait, and for which Google has no capacity."""
    script.on("apply", writes(3, disk_gb=100))
    workstation_id, run_id = await spec(tools)
    await execute(tools, run_id)
    await execute(tools, await ask(tools, workstation_id, RunKind.STOP))
    async with tools.database.sessions.begin() as session:
        (await session.get_one(Workstation, workstation_id)).wait_hours = 24
    google(tools).reset_troubles = [OperationFailedError(STOCK_OUT)] * 100
    script.on("plan", MOVES)
    script.on("apply", writes(5, disk_gb=100).replace(A, B))
    later(tools)
    return workstation_id


async def test_a_start_that_waits_gives_way_to_a_move_and_the_machine_runs_there(tools: Tools, off: str) -> None:
    start = await ask(tools, off, RunKind.START)
    await work(tools)
    waiting = await run_of(tools, start)
    move = await change(tools, off, zone=B)
    await work(tools)
    moved, run = await workstation_of(tools, off), await run_of(tools, move)

    assert waiting.is_waiting
    assert ((await run_of(tools, start)).status, (await run_of(tools, start)).superseded_by) == (S.SUPERSEDED, move)
    assert (run.status, run.inputs["disk_snapshot"]) == (S.APPLIED, f"dev-1-{off}-{move}"), run.error
    assert (moved.zone, moved.status) == (B, W.RUNNING)
    assert await seen(tools, CPU) == {(A, False): False, (B, False): True}


async def test_a_start_that_just_tries_gives_way_when_it_would_wait(tools: Tools, off: str) -> None:
    start = await ask(tools, off, RunKind.START)
    claim = await claims.take(tools, start)
    assert claim
    move = await change(tools, off, zone=B)
    await carry_out(claim)
    start_run = await run_of(tools, start)
    await work(tools)

    assert (start_run.status, start_run.superseded_by) == (S.SUPERSEDED, move)
    assert "A newer request takes its place." in await log_of(tools, start)
    assert (await run_of(tools, move)).status is S.APPLIED
    assert (await workstation_of(tools, off)).zone == B


async def test_a_move_that_is_canceled_before_it_begins_leaves_the_machine_stopped(tools: Tools, off: str) -> None:
    await ask(tools, off, RunKind.START)
    await work(tools)
    move = await change(tools, off, zone=B)
    async with as_grace(tools) as ctx:
        run = await runs.find(ctx.session, ctx.member, move)
        await decisions.cancel(ctx, run, run.cancel_choices[0])
    after = await workstation_of(tools, off)

    assert ((await run_of(tools, move)).status, after.status, after.zone) == (S.CANCELED, W.STOPPED, A)


async def test_whoever_waited_behind_a_start_that_gave_way_tries_at_once(tools: Tools, off: str) -> None:
    await ask(tools, off, RunKind.START)
    await work(tools)
    later(tools)
    _, behind = await request(tools, "linus", machine_type=CPU, other_zones="none")
    await work(tools)
    waited = await run_of(tools, behind)
    await change(tools, off, zone=B)

    assert waited.is_waiting
    assert not waited.is_due(tools.clock())
    assert (await run_of(tools, behind)).is_due(tools.clock())


async def test_a_move_that_meets_a_stock_out_is_noted_and_goes_on_to_a_third_zone(
    tools: Tools, script: Script, off: str
) -> None:
    script.on("apply", writes(5, disk_gb=100).replace(A, B) + none_in(B, suggested=C))
    failed = await change(tools, off, zone=B)
    await execute(tools, failed)
    run = await run_of(tools, failed)
    assert (run.status, [each.suggested for each in run.tried]) == (S.ERRORED, [(C,)])
    assert await tried(tools, failed) == [f"{CPU} in {B}"]
    assert await seen(tools, CPU) == {(A, False): True, (B, False): False}

    script.on("apply", writes(7, disk_gb=100).replace(A, C))
    later(tools)
    again = await change(tools, off, zone=C)
    await execute(tools, again)
    moved = await workstation_of(tools, off)
    assert ((await run_of(tools, again)).status, moved.zone, moved.status) == (S.APPLIED, C, W.RUNNING)
    assert (await run_of(tools, again)).inputs["disk_snapshot"] == f"dev-1-{off}-{again}"
