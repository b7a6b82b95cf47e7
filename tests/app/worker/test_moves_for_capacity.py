"""A machine with data moves where Google has capacity: what waits gives way, and what fails is noted."""

from dataclasses import replace

import pytest

from app.infra.machines import MachineState, OperationFailedError
from app.models import Run, RunKind, RunStatus, Workstation, WorkstationStatus
from app.services import decisions, runs
from app.services.workstations import capacity
from app.services.workstations.capacity import CapacityWishes
from app.worker import claim as claims
from app.worker import periodic
from app.worker.claim import Tools
from app.worker.execute import carry_out, execute
from tests.app.worker.scripted import DISK, VM, PromptCompute, Script, log_of, run_of, spec, tells, workstation_of
from tests.app.worker.scripted import writes_state as writes
from tests.app.worker.test_capacity_wait import STOCK_OUT, request, work
from tests.app.worker.test_power import as_grace, ask, change, google
from tests.app.worker.test_restart import later
from tests.app.worker.test_shortage import A, B, C, none_in, seen, tried
from tests.parts import MovingClock

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


async def moves_itself(tools: Tools, workstation_id: str, *, wait_hours: int = 0) -> None:
    async with as_grace(tools) as ctx:
        wishes = CapacityWishes(wait_hours=wait_hours, restart_preempted=None, moves_itself=True)
        await capacity.change(ctx, await ctx.session.get_one(Workstation, workstation_id), wishes)


async def next_minute(tools: Tools, workstation_id: str) -> Run | None:
    """The run that the portal requests by itself, carried out."""
    later(tools)
    await periodic.do(tools)
    async with tools.database.sessions() as session:
        pending = [run for run in await runs.pending(session, workstation_id) if run.is_queued]
    if not pending:
        return None
    await execute(tools, pending[0].id)
    return await run_of(tools, pending[0].id)


@pytest.mark.parametrize("wait_hours", [0, 24])
async def test_a_start_moves_by_itself_from_zone_to_zone_until_one_has_capacity(
    tools: Tools, script: Script, off: str, wait_hours: int
) -> None:
    await moves_itself(tools, off, wait_hours=wait_hours)
    start = await ask(tools, off, RunKind.START)
    await execute(tools, start)
    script.on("apply", writes(5, disk_gb=100).replace(A, B) + none_in(B, suggested=C))
    first = await next_minute(tools, off)
    script.on("apply", writes(6, disk_gb=100).replace(A, C))
    second = await next_minute(tools, off)
    after = await workstation_of(tools, off)

    assert first
    assert second
    assert (first.status, first.reason, first.requested_by) == (S.ERRORED, "No capacity", None)
    assert (second.status, second.inputs["zone"]) == (S.APPLIED, C), second.error
    # Its disk was in the second zone by then.
    assert second.inputs["disk_snapshot"] == f"dev-1-{off}-{second.id}"
    assert (after.zone, after.status) == (C, W.RUNNING)
    assert (await run_of(tools, start)).status is (S.SUPERSEDED if wait_hours else S.ERRORED)
    assert await next_minute(tools, off) is None


async def test_it_stays_where_that_is_not_wished_or_no_zone_is_left(tools: Tools, script: Script, off: str) -> None:
    await execute(tools, await ask(tools, off, RunKind.START))
    assert await next_minute(tools, off) is None
    await moves_itself(tools, off)
    for zone in (B, C):
        script.on("apply", writes(5, disk_gb=100).replace(A, zone) + none_in(zone))
        run = await next_minute(tools, off)
        assert run
        assert (run.inputs["zone"], run.status) == (zone, S.ERRORED)
    assert await next_minute(tools, off) is None
    assert (await workstation_of(tools, off)).status is W.FAILED


async def test_a_start_of_long_ago_and_what_people_ask_for_move_nothing(
    tools: Tools, script: Script, off: str, clock: MovingClock
) -> None:
    async with tools.database.sessions.begin() as session:
        (await session.get_one(Workstation, off)).wait_hours = 0
    await execute(tools, await ask(tools, off, RunKind.START))
    clock.advance(hours=1)
    await moves_itself(tools, off)
    assert await next_minute(tools, off) is None
    script.on("apply", writes(5, disk_gb=100).replace(A, B) + none_in(B))
    await execute(tools, await change(tools, off, zone=B))
    assert await next_minute(tools, off) is None
