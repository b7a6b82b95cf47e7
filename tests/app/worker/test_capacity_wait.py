"""Waiting for capacity: overnight, without a slot, in the order in which people came, until found or canceled."""

from datetime import timedelta

import pytest

from app.errors import InvalidError
from app.infra.machines import OperationFailedError, Power
from app.models import Run, RunKind, RunStatus, Workstation, WorkstationStatus
from app.models.office_hours import DAYS
from app.services import decisions, runs, workstations
from app.services.people import members
from app.services.runs import capacity_queue
from app.services.workstations import capacity
from app.services.workstations.capacity import CapacityWishes
from app.services.workstations.specs import WorkstationSpec
from app.worker import claim as claims
from app.worker.claim import Tools
from app.worker.execute import execute
from tests.app.worker.scripted import Script, interrupt, log_of, make_tools, provisioned, run_of, workstation_of
from tests.app.worker.test_power import as_grace, ask, google, stopped
from tests.app.worker.test_shortage import GPU, A, B, C, google_lacks
from tests.parts import MovingClock, identity

pytestmark = pytest.mark.anyio
W, S = WorkstationStatus, RunStatus
STOCK_OUT = "start: Error 503: The zone does not have enough resources available. ZONE_RESOURCE_POOL_EXHAUSTED"


async def request(tools: Tools, who: str = "grace", **fields: object) -> tuple[str, str]:
    """Somebody asks for a machine and is ready to wait; returns the ids of the workstation and its run."""
    given = {"name": "dev-1", "machine_type": GPU, "zone": A, "wait_hours": 24, **fields}
    async with tools.database.transaction() as session:
        member = await members.sign_in(tools.context(session), identity(who))
        spec = WorkstationSpec.model_validate(given)
        requested = await workstations.request(tools.context(session).acting(member), member, spec)
        return requested.workstation.id, requested.run.id


async def work(tools: Tools) -> None:
    """What a worker does now with all that can be claimed."""
    async with tools.database.sessions() as session:
        found = await claims.candidates(session, tools.host, tools.clock())
    for run_id in found:
        await execute(tools, run_id)


async def cancel(tools: Tools, run_id: str) -> None:
    async with as_grace(tools) as ctx:
        run = await runs.find(ctx.session, ctx.member, run_id)
        await decisions.cancel(ctx, run, run.cancel_choices[0])


async def pass_time(tools: Tools, clock: MovingClock, hours: float) -> None:
    """A worker works all the while."""
    end = clock() + timedelta(hours=hours)
    while clock() < end:
        clock.advance(minutes=15)
        await work(tools)


async def test_a_night_without_capacity_ends_with_a_machine_for_whoever_came_first(
    tools: Tools, script: Script, clock: MovingClock
) -> None:
    google_lacks(script, [A])
    [first, first_run] = await request(tools, "grace", other_zones="none")
    await work(tools)
    clock.advance(minutes=1)
    [second, second_run] = await request(tools, "linus", other_zones="none")
    await work(tools)
    asked = len(script.calls)
    await pass_time(tools, clock, hours=10)
    waited = [await run_of(tools, run_id) for run_id in (first_run, second_run)]

    assert [run.status for run in waited] == [S.WAITING_FOR_CAPACITY] * 2
    assert [run.rounds > 10 for run in waited] == [True, False]
    assert [(await workstation_of(tools, each)).status for each in (first, second)] == [W.WAITING_FOR_CAPACITY] * 2
    assert len(script.calls) > asked
    async with tools.database.sessions() as session:
        assert [await capacity_queue.ahead(session, run) for run in waited] == [0, 1]

    google_lacks(script, [])
    clock.advance(minutes=15)
    await execute(tools, second_run)
    assert (await run_of(tools, second_run)).is_waiting
    await execute(tools, first_run)
    assert (await workstation_of(tools, first)).status is W.RUNNING
    # At once: nobody is before it any more.
    await work(tools)
    assert (await workstation_of(tools, second)).status is W.RUNNING
    assert "Waiting for capacity." in await log_of(tools, second_run)


async def test_a_zone_that_nobody_before_waits_for_may_be_tried(tools: Tools, script: Script) -> None:
    google_lacks(script, [A])
    await request(tools, "grace", other_zones="none")
    await work(tools)
    workstation_id, _ = await request(tools, "linus", other_zones="region")
    await work(tools)

    assert (await workstation_of(tools, workstation_id)).zone == B


async def test_who_does_not_wait_is_told_that_others_do(tools: Tools, script: Script) -> None:
    google_lacks(script, [A])
    await request(tools, "grace", other_zones="none")
    await work(tools)
    workstation_id, run_id = await request(tools, "linus", other_zones="none", wait_hours=0)
    await work(tools)
    run = await run_of(tools, run_id)

    assert run.status is S.ERRORED
    hint = runs.hint(run)
    assert hint
    assert "Others in the team wait for the same" in hint.title
    assert (await workstation_of(tools, workstation_id)).status is W.FAILED


async def test_what_waits_holds_no_slot_and_nothing_at_google(tools: Tools, script: Script) -> None:
    google_lacks(script, [A, B, C])
    _, run_id = await request(tools)
    await work(tools)

    assert (await run_of(tools, run_id)).is_waiting
    assert not tools.slots.are_all_taken
    assert [call.split()[0] for call in script.calls if "-destroy" in call] == ["plan"] * 3
    assert await claims.take(tools, run_id) is None


async def test_after_its_time_it_fails_with_what_google_said(tools: Tools, script: Script, clock: MovingClock) -> None:
    google_lacks(script, [A])
    workstation_id, run_id = await request(tools, other_zones="none", wait_hours=4)
    await work(tools)
    await pass_time(tools, clock, hours=4)
    run = await run_of(tools, run_id)

    assert (run.status, (await workstation_of(tools, workstation_id)).status) == (S.ERRORED, W.FAILED)
    assert "does not have enough resources" in (run.error or "")


async def test_a_canceled_wait_leaves_nothing(tools: Tools, script: Script, clock: MovingClock) -> None:
    google_lacks(script, [A])
    workstation_id, run_id = await request(tools, other_zones="none")
    await work(tools)
    async with as_grace(tools) as ctx:
        await decisions.cancel(
            ctx, await runs.find(ctx.session, ctx.member, run_id), (await run_of(tools, run_id)).cancel_choices[0]
        )

    assert (await run_of(tools, run_id)).status is S.CANCELED
    assert (await workstation_of(tools, workstation_id)).status is W.DESTROYED


async def test_a_worker_that_is_lost_during_a_try_keeps_its_place_in_the_queue(
    tools: Tools, script: Script, clock: MovingClock
) -> None:
    google_lacks(script, [A])
    _, run_id = await request(tools, other_zones="none")
    await work(tools)
    since = (await run_of(tools, run_id)).waiting_since
    clock.advance(minutes=2)
    assert await claims.take(tools, run_id)
    await interrupt(tools, run_id)
    another = make_tools(tools.settings, tools.database, clock, "worker-2", "host-2")
    clock.advance(minutes=1)
    await execute(another, run_id)
    run = await run_of(tools, run_id)

    assert (run.is_waiting, run.waiting_since) == (True, since)


async def test_a_start_waits_as_its_workstation_says(tools: Tools, script: Script, clock: MovingClock) -> None:
    workstation_id = await stopped(tools, script)
    async with as_grace(tools) as ctx:
        workstation = await workstations.find(ctx.session, ctx.member, workstation_id)
        await capacity.change(ctx, workstation, CapacityWishes(wait_hours=12))
    google(tools).reset_troubles = [OperationFailedError(STOCK_OUT)] * 3
    given = len(google(tools).reset)
    run_id = await ask(tools, workstation_id, RunKind.START)
    await work(tools)
    waiting = await workstation_of(tools, workstation_id)
    clock.advance(minutes=1)
    await work(tools)
    await pass_time(tools, clock, hours=1)

    assert waiting.status is W.WAITING_FOR_CAPACITY
    assert (await run_of(tools, run_id)).status is S.APPLIED
    assert (await workstation_of(tools, workstation_id)).status is W.RUNNING
    assert (google(tools).orders[-1], len(google(tools).reset) - given) == (Power.START, 1)


async def suspended(tools: Tools, script: Script) -> str:
    workstation_id = await provisioned(tools, script)
    await execute(tools, await ask(tools, workstation_id, RunKind.SUSPEND))
    return workstation_id


async def test_a_resume_waits_like_a_start(tools: Tools, script: Script, clock: MovingClock) -> None:
    workstation_id = await suspended(tools, script)
    async with as_grace(tools) as ctx:
        workstation = await workstations.find(ctx.session, ctx.member, workstation_id)
        await capacity.change(ctx, workstation, CapacityWishes(wait_hours=12))
    google(tools).reset_troubles = [OperationFailedError(STOCK_OUT)]
    run_id = await ask(tools, workstation_id, RunKind.RESUME)
    await work(tools)
    assert (await workstation_of(tools, workstation_id)).status is W.WAITING_FOR_CAPACITY
    await pass_time(tools, clock, hours=1)

    assert (await run_of(tools, run_id)).status is S.APPLIED
    assert (await workstation_of(tools, workstation_id)).status is W.RUNNING


async def test_a_canceled_resume_leaves_the_machine_suspended(tools: Tools, script: Script) -> None:
    workstation_id = await suspended(tools, script)
    async with tools.database.sessions.begin() as session:
        (await session.get_one(Workstation, workstation_id)).wait_hours = 24
    google(tools).reset_troubles = [OperationFailedError(STOCK_OUT)] * 3
    run_id = await ask(tools, workstation_id, RunKind.RESUME)
    await work(tools)
    await cancel(tools, run_id)

    assert (await run_of(tools, run_id)).status is S.CANCELED
    assert (await workstation_of(tools, workstation_id)).status is W.SUSPENDED


async def test_a_canceled_start_leaves_the_machine_stopped(tools: Tools, script: Script) -> None:
    workstation_id, run_id = await waiting_start(tools, script)
    await cancel(tools, run_id)

    assert (await run_of(tools, run_id)).status is S.CANCELED
    assert (await workstation_of(tools, workstation_id)).status is W.STOPPED


async def waiting_start(tools: Tools, script: Script) -> tuple[str, str]:
    """A stopped machine whose start waits; returns the ids of the workstation and the run."""
    workstation_id = await stopped(tools, script)
    async with tools.database.sessions.begin() as session:
        (await session.get_one(Workstation, workstation_id)).wait_hours = 24
    google(tools).reset_troubles = [OperationFailedError(STOCK_OUT)] * 100
    run_id = await ask(tools, workstation_id, RunKind.START)
    await work(tools)
    assert (await run_of(tools, run_id)).is_waiting
    return workstation_id, run_id


async def test_a_start_does_not_wait_beyond_office_hours(tools: Tools, script: Script, clock: MovingClock) -> None:
    workstation_id, run_id = await waiting_start(tools, script)
    async with tools.database.sessions.begin() as session:
        hours = {"start": None, "stop": "19:00", "days": list(DAYS), "time_zone": "UTC"}
        (await session.get_one(Workstation, workstation_id)).set_hours(hours, clock())
    await pass_time(tools, clock, hours=12)

    assert (await run_of(tools, run_id)).status is S.CANCELED
    assert "its office hours have ended" in await log_of(tools, run_id)
    assert (await workstation_of(tools, workstation_id)).status is W.STOPPED


async def test_a_disabled_owner_waits_no_longer(tools: Tools, script: Script, clock: MovingClock) -> None:
    workstation_id, run_id = await waiting_start(tools, script)
    async with tools.database.sessions.begin() as session:
        workstation = await session.get_one(Workstation, workstation_id)
        (await members.sign_in(tools.context(session), identity("grace"))).disabled_at = clock()
        assert workstation
    await pass_time(tools, clock, hours=1)

    assert (await run_of(tools, run_id)).status is S.CANCELED


@pytest.mark.parametrize("hours", [-1, 169, 10**9])
async def test_nobody_waits_for_ever(tools: Tools, script: Script, hours: int) -> None:
    workstation_id = await stopped(tools, script)
    async with as_grace(tools) as ctx:
        workstation = await workstations.find(ctx.session, ctx.member, workstation_id)
        with pytest.raises(InvalidError):
            await capacity.change(ctx, workstation, CapacityWishes(wait_hours=hours))
    with pytest.raises(InvalidError):
        await request(tools, name="dev-9", wait_hours=hours)


async def test_deleting_what_waits_ends_the_wait(tools: Tools, script: Script) -> None:
    google_lacks(script, [A])
    workstation_id, run_id = await request(tools, other_zones="none")
    await work(tools)
    async with as_grace(tools) as ctx:
        workstation = await workstations.find(ctx.session, ctx.member, workstation_id)
        destroy = (await workstations.request_destroy(ctx, workstation, keep_disk=False)).id
    await execute(tools, destroy)

    assert (await run_of(tools, run_id)).status is S.SUPERSEDED
    assert (await workstation_of(tools, workstation_id)).status is W.DESTROYED
    async with tools.database.sessions() as session:
        assert await session.get_one(Run, destroy)
