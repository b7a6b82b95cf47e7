"""End dates, acted on by the worker as the clock moves."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from app import origin
from app.errors import ConflictError
from app.models import MachineEvent, Member, Run, RunKind, Workstation, WorkstationStatus
from app.services import runs
from app.services.offboarding import access
from app.services.people import team_policy
from app.services.people.team_policy import TeamPolicy
from app.services.workstations import lifetimes, observations, office_hours, orders
from app.services.workstations.observations import Sighting
from app.services.workstations.office_hours import OfficeHoursSpec
from app.worker import periodic
from app.worker.claim import Tools
from tests.parts import MovingClock
from tests.stage import Stage
from tests.steps import audit_entries

pytestmark = pytest.mark.anyio
K = RunKind


@pytest.fixture
def clock() -> MovingClock:
    """A Monday, half past nine."""
    return MovingClock(datetime(2026, 3, 2, 9, 30, tzinfo=UTC))


async def end(stage: Stage, workstation_id: str, day: str, who: str = "grace") -> None:
    """Somebody sets its end date."""
    async with stage.acting(who) as ctx:
        row = await ctx.session.get_one(Workstation, workstation_id)
        await lifetimes.change(ctx, row, date.fromisoformat(day))


async def machine(stage: Stage, day: str = "2026-03-14") -> str:
    """One that runs, and ends."""
    made = await stage.make()
    await end(stage, made.id, day)
    return made.id


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


async def told(stage: Stage) -> list[tuple[str, str, str | None]]:
    """What the history says of end dates: the day, the kind, and the detail."""
    async with stage.database.sessions() as session:
        query = select(MachineEvent).where(MachineEvent.kind.startswith("end_date")).order_by(MachineEvent.at)
        return [(f"{event.at:%d}", event.kind.value, event.detail) for event in await session.scalars(query)]


async def kinds(stage: Stage, workstation_id: str) -> list[RunKind]:
    """Of the runs so far, without the first, which created it."""
    async with stage.database.sessions() as session:
        return [run.kind for run in reversed(await runs.of_stack(session, workstation_id, 50))][1:]


STOPS = "Stops on 15 Mar 2026, 12:00 UTC."


async def test_a_machine_is_reminded_of_stopped_and_deleted_but_for_its_disk(stage: Stage, tools: Tools) -> None:
    workstation_id = await machine(stage)
    for moment in ("08 11:59", "08 12:00", "08 12:01", "12 12:00", "13 09:00", "14 12:00", "15 11:59"):
        assert await at(stage, tools, f"2026-03-{moment}") is None
    near = "end_date_near"
    assert await told(stage) == [("08", near, STOPS), ("12", near, STOPS), ("14", near, STOPS)]
    with origin.bound(origin.WORKER, "none"):
        stop = await at(stage, tools, "2026-03-15 12:00")
    assert stop
    assert (stop.kind, stop.requested_by, stop.reason) == (K.STOP, None, "End date")
    assert await at(stage, tools, "2026-03-15 12:01") is None
    assert await at(stage, tools, "2026-03-22 11:59") is None
    delete = await at(stage, tools, "2026-03-22 12:00")
    assert delete
    assert (delete.kind, delete.reason, delete.inputs["disk_only"]) == (K.DESTROY, "End date", True)
    assert await at(stage, tools, "2026-04-22 12:00") is None
    row = await stage.row(Workstation, workstation_id)
    assert (row.status, row.disk_kept, row.ends_on, row.deletes_at) == (WorkstationStatus.DESTROYED, True, None, None)
    async with stage.database.sessions() as session:
        [entry] = await audit_entries(session, action="workstation.destroy")
    assert (entry.actor, entry.after) == (
        "Stationmaster",
        {"run": delete.id, "keep_disk": True, "reason": "End date"},
    )


async def test_several_workers_at_the_same_minute_do_each_step_once(stage: Stage, tools: Tools) -> None:
    workstation_id = await machine(stage)
    for moment in (datetime(2026, 3, 8, 12, 0, tzinfo=UTC), datetime(2026, 3, 15, 12, 0, tzinfo=UTC)):
        stage.clock.now = moment
        await asyncio.gather(*(periodic.do(tools) for _ in range(3)))
    assert len(await told(stage)) == 1
    assert await kinds(stage, workstation_id) == [K.STOP]


async def test_a_worker_that_dies_before_its_commit_has_done_nothing_and_the_next_one_does_it(
    stage: Stage, tools: Tools
) -> None:
    workstation_id = await machine(stage)
    for moment in ("2026-03-08 12:00", "2026-03-15 12:00"):
        stage.clock.now = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        async with stage.database.sessions() as session:
            await lifetimes.act(stage.context(session), workstation_id)
            await session.rollback()
    assert await told(stage) == []
    assert await at(stage, tools, "2026-03-15 12:05")
    assert await at(stage, tools, "2026-03-15 12:06") is None


async def test_of_missed_reminders_one_is_given_and_a_machine_is_stopped_well_before_it_is_deleted(
    stage: Stage, tools: Tools
) -> None:
    await machine(stage)
    assert await at(stage, tools, "2026-03-13 09:00") is None
    assert await told(stage) == [("13", "end_date_near", STOPS)]
    # Nothing worked for a month: the days until the deletion count from the stop.
    stop = await at(stage, tools, "2026-04-20 09:00")
    assert stop
    assert stop.kind is K.STOP
    assert await at(stage, tools, "2026-04-27 08:59") is None
    assert await at(stage, tools, "2026-04-27 09:00")


async def test_a_date_that_is_set_for_soon_has_the_reminders_that_are_left(stage: Stage, tools: Tools) -> None:
    await machine(stage, "2026-03-03")
    assert await at(stage, tools, "2026-03-02 09:40") is None
    assert await told(stage) == []
    await at(stage, tools, "2026-03-03 12:00")
    assert [each[0] for each in await told(stage)] == ["03"]


async def test_an_extended_machine_is_neither_stopped_nor_deleted_and_is_reminded_of_anew(
    stage: Stage, tools: Tools
) -> None:
    workstation_id = await machine(stage)
    await at(stage, tools, "2026-03-14 12:00")
    await end(stage, workstation_id, "2026-03-21")
    assert await at(stage, tools, "2026-03-15 12:00") is None
    assert await at(stage, tools, "2026-03-22 12:00")
    await end(stage, workstation_id, "2026-04-30")
    assert await at(stage, tools, "2026-03-29 12:00") is None
    async with stage.acting("grace") as ctx:
        start = await orders.request(ctx, await ctx.session.get_one(Workstation, workstation_id), K.START)
    await stage.carry_out(start.id)
    await at(stage, tools, "2026-04-24 12:00")
    assert [each[0] for each in await told(stage)] == ["14", "15", "24"]


async def test_nobody_starts_a_machine_whose_end_date_has_passed(stage: Stage, tools: Tools) -> None:
    workstation_id = await machine(stage)
    async with stage.acting("grace") as ctx:
        spec = {"start": "09:00", "days": ["mon"], "time_zone": "UTC"}
        row = await ctx.session.get_one(Workstation, workstation_id)
        await office_hours.change(ctx, row, OfficeHoursSpec.model_validate(spec))
    await at(stage, tools, "2026-03-15 12:00")
    assert await at(stage, tools, "2026-03-16 09:00") is None
    async with stage.acting("grace") as ctx:
        row = await ctx.session.get_one(Workstation, workstation_id)
        with pytest.raises(ConflictError, match="The end date of dev-1 has passed"):
            await orders.request(ctx, row, K.START)
    async with stage.database.sessions() as session:
        query = select(MachineEvent.detail).where(MachineEvent.kind == "office_hours_skipped")
        assert await session.scalar(query) == "Start at 09:00: The end date of dev-1 has passed."


async def test_a_machine_that_somebody_started_at_google_is_stopped_again_before_it_is_deleted(
    stage: Stage, tools: Tools
) -> None:
    workstation_id = await machine(stage)
    await at(stage, tools, "2026-03-15 12:00")
    stage.clock.advance(minutes=5)
    async with stage.database.sessions.begin() as session:
        await observations.observe(stage.context(session), workstation_id, Sighting("RUNNING"), stage.clock())
    stop = await at(stage, tools, "2026-03-22 12:00")
    assert stop
    assert stop.kind is K.STOP
    assert await at(stage, tools, "2026-03-29 11:59") is None
    delete = await at(stage, tools, "2026-03-29 12:00")
    assert delete
    assert delete.kind is K.DESTROY


async def test_a_machine_that_is_off_is_only_deleted_by_the_teams_policy(stage: Stage, tools: Tools) -> None:
    workstation_id = await machine(stage)
    async with stage.acting("ada") as ctx:
        await team_policy.change(ctx, TeamPolicy(grace_days=2))
    async with stage.database.sessions.begin() as session:
        (await session.get_one(Workstation, workstation_id)).become_stopped()
    assert await at(stage, tools, "2026-03-15 12:00") is None
    # The day that was set stays, whatever the policy says from then on.
    async with stage.acting("ada") as ctx:
        await team_policy.change(ctx, TeamPolicy(grace_days=90))
    assert await at(stage, tools, "2026-03-17 11:59") is None
    assert await at(stage, tools, "2026-03-17 12:00")
    assert await kinds(stage, workstation_id) == [K.DESTROY]


async def changing(stage: Stage, workstation_id: str) -> None:
    await stage.claim((await stage.change(workstation_id, disk_size_gb=200)).id)


async def awaiting(stage: Stage, workstation_id: str) -> None:
    await stage.await_approval((await stage.change(workstation_id, disk_size_gb=50)).id)


async def disabled(stage: Stage, workstation_id: str) -> None:
    async with stage.acting("ada") as ctx:
        row = await ctx.session.get_one(Workstation, workstation_id)
        await access.disable(ctx, await ctx.session.get_one(Member, row.owner_id))
    await stage.carry_out(await stage.pending(workstation_id))


async def test_a_run_that_goes_on_comes_first(stage: Stage, tools: Tools) -> None:
    workstation_id = await machine(stage)
    await changing(stage, workstation_id)
    assert await at(stage, tools, "2026-03-15 12:00") is None
    assert (await stage.row(Workstation, workstation_id)).deletes_at is None
    await stage.carry_out(await stage.pending(workstation_id))
    assert await at(stage, tools, "2026-03-15 12:01")


@pytest.mark.parametrize("becomes", [awaiting, disabled])
async def test_neither_a_plan_that_waits_nor_a_disabled_owner_keeps_it(
    stage: Stage, tools: Tools, becomes: Callable[[Stage, str], Awaitable[None]]
) -> None:
    workstation_id = await machine(stage)
    await becomes(stage, workstation_id)
    stop = await at(stage, tools, "2026-03-15 12:00")
    assert stop
    assert stop.kind is K.STOP
    delete = await at(stage, tools, "2026-03-22 12:00")
    assert delete
    assert delete.kind is K.DESTROY


async def test_a_failed_machine_says_why_it_was_not_stopped_and_is_deleted_later(stage: Stage, tools: Tools) -> None:
    workstation_id = await machine(stage)
    async with stage.database.sessions.begin() as session:
        (await session.get_one(Workstation, workstation_id)).status = WorkstationStatus.FAILED
    assert await at(stage, tools, "2026-03-15 12:00") is None
    assert (await told(stage))[-1][1:] == ("end_date_skipped", "dev-1 cannot stop while it is failed.")
    assert await at(stage, tools, "2026-03-22 12:00")


async def test_a_deletion_that_fails_is_tried_again_after_as_long(stage: Stage, tools: Tools) -> None:
    workstation_id = await machine(stage)
    await at(stage, tools, "2026-03-15 12:00")
    stage.clock.now = datetime(2026, 3, 22, 12, 0, tzinfo=UTC)
    await periodic.do(tools)
    await stage.fail(await stage.pending(workstation_id))
    assert await at(stage, tools, "2026-03-29 11:59") is None
    assert await at(stage, tools, "2026-03-29 12:00")
    assert (await stage.row(Workstation, workstation_id)).is_destroyed
