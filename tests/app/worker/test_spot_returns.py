"""Preempted machines that are started again by themselves, as the clock moves."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from app.models import Member, Run, RunKind, Workstation, WorkstationStatus
from app.services.people import team_policy
from app.services.people.team_policy import TeamPolicy
from app.services.workstations import capacity, lifetimes, observations, office_hours
from app.services.workstations.capacity import CapacityWishes
from app.services.workstations.observations import Cause, Sighting
from app.services.workstations.office_hours import OfficeHoursSpec
from app.worker import periodic
from app.worker.claim import Tools
from tests.parts import MovingClock
from tests.stage import Stage

pytestmark = pytest.mark.anyio
W = WorkstationStatus
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri"]


@pytest.fixture
def clock() -> MovingClock:
    """A Monday, half past nine."""
    return MovingClock(datetime(2026, 3, 2, 9, 30, tzinfo=UTC))


async def machine(stage: Stage, *, returns: bool | None = True, spot: bool = True) -> str:
    """One that runs."""
    made = await stage.make(machine_type="g2-standard-4", spot=spot)
    async with stage.acting("grace") as ctx:
        row = await ctx.session.get_one(Workstation, made.id)
        await capacity.change(ctx, row, CapacityWishes(wait_hours=0, restart_preempted=returns))
    return made.id


async def is_at_google(stage: Stage, workstation_id: str, status: str, *, preempted: bool = False) -> None:
    """A worker sees that a minute later."""
    now = stage.clock.advance(minutes=1)
    cause = Cause(f"op-{now:%d%H%M}", observations.K.PREEMPTED, now, "system") if preempted else None
    async with stage.database.sessions.begin() as session:
        await observations.observe(stage.context(session), workstation_id, Sighting(status), now, cause)


async def preempt(stage: Stage, workstation_id: str) -> None:
    """Google takes it back."""
    await is_at_google(stage, workstation_id, "RUNNING")
    await is_at_google(stage, workstation_id, "TERMINATED", preempted=True)
    assert (await stage.row(Workstation, workstation_id)).status is W.PREEMPTED


async def queued(stage: Stage, tools: Tools, minutes: float = 1) -> list[Run]:
    """What a worker's minute has queued."""
    stage.clock.advance(minutes=minutes)
    await periodic.do(tools)
    async with tools.database.sessions() as session:
        return list(await session.scalars(select(Run).where(Run.status == "queued")))


async def test_a_preempted_machine_is_started_again_once(stage: Stage, tools: Tools) -> None:
    workstation_id = await machine(stage)
    await preempt(stage, workstation_id)
    [run] = await queued(stage, tools)
    stage.clock.advance(minutes=1)
    await stage.carry_out(run.id)
    back = await stage.row(Workstation, workstation_id)

    assert (run.kind, run.reason, run.requested_by, run.wait_hours) == (RunKind.START, "Preempted", None, 24)
    assert back.status is W.RUNNING
    assert await queued(stage, tools) == []
    # Again, although Google was not seen to run it in between.
    stage.clock.advance(minutes=1)
    await is_at_google(stage, workstation_id, "TERMINATED", preempted=True)
    assert len(await queued(stage, tools)) == 1


@pytest.mark.parametrize("ends", ["fail", "cancel"])
async def test_a_return_that_fails_or_is_canceled_is_not_repeated(stage: Stage, tools: Tools, ends: str) -> None:
    workstation_id = await machine(stage)
    await preempt(stage, workstation_id)
    [run] = await queued(stage, tools)
    await (stage.fail(run.id, "No luck") if ends == "fail" else stage.cancel(run.id))

    assert (await stage.row(Workstation, workstation_id)).status is W.PREEMPTED
    assert await queued(stage, tools) == []


@pytest.mark.parametrize(
    ("policy", "chosen", "returns"), [(True, None, 1), (True, False, 0), (False, None, 0), (False, True, 1)]
)
async def test_the_owner_counts_more_than_the_team(
    stage: Stage, tools: Tools, policy: bool, chosen: bool | None, returns: int
) -> None:
    async with stage.acting("ada") as ctx:
        await team_policy.change(ctx, TeamPolicy(restart_preempted=policy))
    workstation_id = await machine(stage, returns=chosen)
    await preempt(stage, workstation_id)

    assert len(await queued(stage, tools)) == returns


async def disable(stage: Stage, workstation_id: str) -> None:
    async with stage.database.sessions.begin() as session:
        row = await session.get_one(Workstation, workstation_id)
        (await session.get_one(Member, row.owner_id)).disabled_at = stage.clock()


async def end(stage: Stage, workstation_id: str) -> None:
    async with stage.acting("grace") as ctx:
        await lifetimes.change(ctx, await ctx.session.get_one(Workstation, workstation_id), stage.clock().date())
    stage.clock.advance(days=2)


async def leave_the_office(stage: Stage, workstation_id: str) -> None:
    spec = {"start": "09:00", "stop": "19:00", "days": WEEKDAYS, "time_zone": "UTC"}
    async with stage.acting("grace") as ctx:
        row = await ctx.session.get_one(Workstation, workstation_id)
        await office_hours.change(ctx, row, OfficeHoursSpec.model_validate(spec))
    stage.clock.advance(hours=12)


@pytest.mark.parametrize("obstacle", [disable, end, leave_the_office])
async def test_other_rules_count_more(
    stage: Stage, tools: Tools, obstacle: Callable[[Stage, str], Awaitable[None]]
) -> None:
    workstation_id = await machine(stage)
    await preempt(stage, workstation_id)
    await obstacle(stage, workstation_id)

    assert [run for run in await queued(stage, tools) if run.kind is RunKind.START] == []


async def test_office_hours_start_in_the_morning_what_was_preempted_at_night(stage: Stage, tools: Tools) -> None:
    workstation_id = await machine(stage)
    await preempt(stage, workstation_id)
    await leave_the_office(stage, workstation_id)
    assert await queued(stage, tools) == []
    stage.clock.now = datetime(2026, 3, 3, 9, 0, 30, tzinfo=UTC)
    runs = await queued(stage, tools, minutes=0)

    assert [(run.kind, run.reason) for run in runs] == [(RunKind.START, "Office hours")]


async def test_who_stopped_it_keeps_it_stopped(stage: Stage, tools: Tools) -> None:
    workstation_id = await machine(stage)
    await is_at_google(stage, workstation_id, "RUNNING")
    await is_at_google(stage, workstation_id, "TERMINATED")

    assert (await stage.row(Workstation, workstation_id)).status is W.STOPPED
    assert await queued(stage, tools) == []
