"""Office hours, acted on by the worker as the clock moves."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from app import origin
from app.models import MachineEvent, Member, Run, RunKind, Workstation, WorkstationStatus
from app.services import runs
from app.services.offboarding import access
from app.services.workstations import observations, office_hours, orders
from app.services.workstations.observations import Sighting
from app.services.workstations.office_hours import OfficeHoursSpec
from app.worker import periodic
from app.worker.claim import Tools
from tests.parts import MovingClock
from tests.stage import Stage
from tests.steps import audit_entries

pytestmark = pytest.mark.anyio
K = RunKind
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri"]


@pytest.fixture
def clock() -> MovingClock:
    """A Monday, half past nine."""
    return MovingClock(datetime(2026, 3, 2, 9, 30, tzinfo=UTC))


async def keep(stage: Stage, workstation_id: str, **changes: object) -> None:
    """Grace sets its office hours."""
    spec = {"start": "09:00", "stop": "19:00", "days": WEEKDAYS, "time_zone": "UTC", **changes}
    async with stage.acting("grace") as ctx:
        machine = await ctx.session.get_one(Workstation, workstation_id)
        await office_hours.change(ctx, machine, OfficeHoursSpec.model_validate(spec))


async def machine(stage: Stage, **changes: object) -> str:
    """One that runs, with office hours."""
    made = await stage.make()
    await keep(stage, made.id, **changes)
    return made.id


async def order(stage: Stage, workstation_id: str, kind: RunKind) -> None:
    """Grace does it by hand."""
    async with stage.acting("grace") as ctx:
        row = await ctx.session.get_one(Workstation, workstation_id)
        run = await orders.request(ctx, row, kind)
    await stage.carry_out(run.id)


async def at(stage: Stage, tools: Tools, moment: str) -> Run | None:
    """A worker's minute comes then; what it queued for the only machine is carried out and returned."""
    stage.clock.now = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    await periodic.do(tools)
    async with tools.database.sessions() as session:
        queued = list(await session.scalars(select(Run).where(Run.status == "queued")))
    assert len(queued) <= 1
    for run in queued:
        await stage.carry_out(run.id)
    return queued[0] if queued else None


async def skipped(stage: Stage) -> list[str | None]:
    """What the history says of moments that came to nothing."""
    async with stage.database.sessions() as session:
        query = select(MachineEvent).where(MachineEvent.kind == "office_hours_skipped").order_by(MachineEvent.at)
        return [event.detail for event in await session.scalars(query)]


async def kinds(stage: Stage, workstation_id: str) -> list[RunKind]:
    """Of the runs so far, without the first, which created it."""
    async with stage.database.sessions() as session:
        return [run.kind for run in reversed(await runs.of_stack(session, workstation_id, 50))][1:]


async def test_a_machine_stops_in_the_evening_and_starts_in_the_morning(stage: Stage, tools: Tools) -> None:
    workstation_id = await machine(stage)
    assert await at(stage, tools, "2026-03-02 18:59") is None
    with origin.bound(origin.WORKER, "none"):
        stop = await at(stage, tools, "2026-03-02 19:00")
    assert stop
    assert (stop.kind, stop.requested_by, stop.reason) == (K.STOP, None, "Office hours")
    assert await at(stage, tools, "2026-03-02 19:01") is None
    start = await at(stage, tools, "2026-03-03 09:00")
    assert start
    assert start.kind is K.START
    async with stage.database.sessions() as session:
        [entry] = await audit_entries(session, action="workstation.stop")
    assert (entry.actor, entry.thing_id) == ("Stationmaster", workstation_id)
    assert entry.after == {"run": stop.id, "reason": "Office hours"}
    assert await skipped(stage) == []


@pytest.mark.parametrize(
    ("zone", "friday", "monday"),
    [
        ("Europe/Berlin", "2026-03-27 18:00", "2026-03-30 07:00"),
        ("Europe/Berlin", "2026-10-23 17:00", "2026-10-26 08:00"),
        ("America/New_York", "2026-03-07 00:00", "2026-03-09 13:00"),
        ("America/New_York", "2026-10-30 23:00", "2026-11-02 14:00"),
    ],
)
async def test_hours_follow_the_clocks_of_their_zone_over_a_weekend_in_which_these_change(
    stage: Stage, tools: Tools, zone: str, friday: str, monday: str
) -> None:
    stage.clock.now = datetime.fromisoformat(friday).replace(tzinfo=UTC)
    stage.clock.advance(hours=-3)
    await machine(stage, time_zone=zone)
    stop = await at(stage, tools, friday)
    assert stop
    assert stop.kind is K.STOP
    stage.clock.now = datetime.fromisoformat(monday).replace(tzinfo=UTC)
    assert await at(stage, tools, stage.clock.advance(minutes=-1).strftime("%Y-%m-%d %H:%M")) is None
    start = await at(stage, tools, monday)
    assert start
    assert start.kind is K.START


async def test_several_workers_at_the_same_minute_request_one_run(stage: Stage, tools: Tools) -> None:
    workstation_id = await machine(stage)
    stage.clock.now = datetime(2026, 3, 2, 19, 0, tzinfo=UTC)
    await asyncio.gather(*(periodic.do(tools) for _ in range(3)))
    assert await kinds(stage, workstation_id) == [K.STOP]
    assert await skipped(stage) == []


async def test_a_worker_that_dies_before_its_commit_has_done_nothing_and_the_next_one_does_it(
    stage: Stage, tools: Tools
) -> None:
    workstation_id = await machine(stage)
    stage.clock.now = datetime(2026, 3, 2, 19, 0, tzinfo=UTC)
    async with stage.database.sessions() as session:
        assert await office_hours.act(stage.context(session), workstation_id)
        await session.rollback()
    assert await kinds(stage, workstation_id) == []
    assert await at(stage, tools, "2026-03-02 19:05")
    assert await at(stage, tools, "2026-03-02 19:06") is None


async def test_only_the_last_of_the_missed_moments_counts_and_only_for_an_hour(stage: Stage, tools: Tools) -> None:
    workstation_id = await machine(stage)
    # Nothing worked from Monday to Wednesday, when it should have been stopped for 61 minutes.
    assert await at(stage, tools, "2026-03-04 20:01") is None
    # Nor from then to Friday, when it should have been running since 09:00, and is.
    assert await at(stage, tools, "2026-03-06 10:00") is None
    stop = await at(stage, tools, "2026-03-06 20:00")
    assert stop
    assert stop.kind is K.STOP
    assert await kinds(stage, workstation_id) == [K.STOP]


async def test_hours_that_are_set_do_not_reach_back(stage: Stage, tools: Tools) -> None:
    made = await stage.make()
    stage.clock.now = datetime(2026, 3, 2, 19, 10, tzinfo=UTC)
    await keep(stage, made.id)
    assert await at(stage, tools, "2026-03-02 19:11") is None


async def test_a_start_by_hand_counts_until_the_next_moment(stage: Stage, tools: Tools) -> None:
    workstation_id = await machine(stage)
    await at(stage, tools, "2026-03-02 19:00")
    await order(stage, workstation_id, K.START)
    assert await at(stage, tools, "2026-03-02 19:01") is None
    assert await at(stage, tools, "2026-03-03 09:00") is None
    assert await at(stage, tools, "2026-03-03 19:00")


async def test_a_suspended_machine_is_resumed(stage: Stage, tools: Tools) -> None:
    workstation_id = await machine(stage)
    async with stage.database.sessions.begin() as session:
        (await session.get_one(Workstation, workstation_id)).become_suspended()
    assert await at(stage, tools, "2026-03-02 19:00") is None
    run = await at(stage, tools, "2026-03-03 09:00")
    assert run
    assert run.kind is K.RESUME


async def test_a_skipped_day_passes_and_the_next_one_counts(stage: Stage, tools: Tools) -> None:
    workstation_id = await machine(stage)
    for _ in range(2):
        async with stage.acting("grace") as ctx:
            await office_hours.skip(ctx, await ctx.session.get_one(Workstation, workstation_id))
    assert await at(stage, tools, "2026-03-02 19:00") is None
    assert await skipped(stage) == []
    assert await at(stage, tools, "2026-03-03 19:00")


async def test_hours_that_are_turned_off_do_nothing(stage: Stage, tools: Tools) -> None:
    workstation_id = await machine(stage)
    async with stage.acting("grace") as ctx:
        await office_hours.end(ctx, await ctx.session.get_one(Workstation, workstation_id))
    assert await at(stage, tools, "2026-03-02 19:00") is None


async def changing(stage: Stage, workstation_id: str) -> None:
    await stage.claim((await stage.change(workstation_id, disk_size_gb=200)).id)


async def being_deleted(stage: Stage, workstation_id: str) -> None:
    await stage.claim((await stage.destroy(workstation_id)).id)


async def missing(stage: Stage, workstation_id: str) -> None:
    async with stage.database.sessions.begin() as session:
        ctx = stage.context(session)
        await observations.observe(ctx, workstation_id, Sighting("ABSENT"), stage.clock())


async def failed(stage: Stage, workstation_id: str) -> None:
    run = await stage.change(workstation_id, disk_size_gb=200)
    await stage.fail(run.id)
    async with stage.database.sessions.begin() as session:
        (await session.get_one(Workstation, workstation_id)).status = WorkstationStatus.FAILED


@pytest.mark.parametrize(
    ("becomes", "why"),
    [
        (changing, "Stop at 19:00: A run is in progress."),
        (being_deleted, "Stop at 19:00: A run is in progress."),
        (missing, "Stop at 19:00: dev-1 cannot stop while it is missing."),
        (failed, "Stop at 19:00: dev-1 cannot stop while it is failed."),
    ],
)
async def test_a_machine_that_cannot_be_stopped_is_skipped_with_a_line_in_its_history(
    stage: Stage, tools: Tools, becomes: Callable[[Stage, str], Awaitable[None]], why: str
) -> None:
    workstation_id = await machine(stage)
    await becomes(stage, workstation_id)
    before = await kinds(stage, workstation_id)
    assert await at(stage, tools, "2026-03-02 19:00") is None
    assert await at(stage, tools, "2026-03-02 19:01") is None
    assert await skipped(stage) == [why]
    assert await kinds(stage, workstation_id) == before


async def test_the_machine_of_a_disabled_member_is_stopped_and_not_started(stage: Stage, tools: Tools) -> None:
    workstation_id = await machine(stage)
    async with stage.acting("ada") as ctx:
        row = await ctx.session.get_one(Workstation, workstation_id)
        await access.disable(ctx, await ctx.session.get_one(Member, row.owner_id))
    await stage.carry_out(await stage.pending(workstation_id))
    assert await at(stage, tools, "2026-03-02 19:00")
    assert await at(stage, tools, "2026-03-03 09:00") is None
    assert await skipped(stage) == ["Start at 09:00: grace@example.com is disabled."]


async def test_a_deleted_machine_has_no_moments(stage: Stage, tools: Tools) -> None:
    workstation_id = await machine(stage)
    await stage.carry_out((await stage.destroy(workstation_id)).id)
    assert await at(stage, tools, "2026-03-02 19:00") is None
    assert await skipped(stage) == []
