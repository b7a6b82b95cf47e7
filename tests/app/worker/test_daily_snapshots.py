"""Daily snapshots: requested once a day by periodic work, thinned, and left out where nothing was written."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from app.models import Run, RunKind, RunStatus, Snapshot, SnapshotReason, Workstation, WorkstationStatus
from app.services.people import team_policy
from app.services.people.team_policy import TeamPolicy
from app.services.workstations import daily_snapshots
from app.worker import periodic
from app.worker.claim import Tools
from app.worker.execute import execute
from tests.app.worker.scripted import Script, spec, writes_state
from tests.app.worker.test_power import as_grace
from tests.app.worker.test_snapshots import google
from tests.parts import MovingClock

pytestmark = pytest.mark.anyio
NIGHT = datetime(2026, 1, 1, 2, 5, tzinfo=UTC)


@pytest.fixture
async def machine(tools: Tools, script: Script) -> str:
    """A workstation that runs, whose owner wants daily snapshots, at five past two in the night."""
    script.on("apply", writes_state(3, disk_gb=100))
    workstation_id, run_id = await spec(tools)
    await execute(tools, run_id)
    await choose(tools, workstation_id, True)
    move(tools, NIGHT)
    return workstation_id


def move(tools: Tools, to: datetime) -> None:
    assert isinstance(tools.clock, MovingClock)
    tools.clock.advance(seconds=(to - tools.clock()).total_seconds())
    google(tools).clock = tools.clock


async def choose(tools: Tools, workstation_id: str, daily: bool | None) -> None:
    async with as_grace(tools) as ctx:
        await daily_snapshots.choose(ctx, await ctx.session.get_one(Workstation, workstation_id), daily)


async def pass_a_minute(tools: Tools) -> None:
    """Periodic work, and whatever it requests, until nothing is left to do."""
    await periodic.do(tools)
    async with tools.database.sessions() as session:
        queued = list(await session.scalars(select(Run.id).where(Run.status == RunStatus.QUEUED)))
    for run_id in queued:
        await execute(tools, run_id)
    await periodic.do(tools)


async def dates(tools: Tools) -> list[int]:
    async with tools.database.sessions() as session:
        found = await session.scalars(select(Snapshot).order_by(Snapshot.taken_at))
        return [snapshot.taken_at.day for snapshot in found]


async def test_a_month_of_daily_snapshots_is_thinned_as_worked_out_by_hand(tools: Tools, machine: str) -> None:
    for day in range(31):
        move(tools, NIGHT + timedelta(days=day))
        await pass_a_minute(tools)
    # 31 January 2026 is a Saturday. The Sundays of the weeks before it are the 25th, 18th and 11th.
    assert await dates(tools) == [11, 18, 25, 26, 27, 28, 29, 30, 31]
    assert len(google(tools).stored) == 9
    async with tools.database.sessions() as session:
        assert set(await session.scalars(select(Snapshot.reason))) == {SnapshotReason.DAILY}
        assert set(await session.scalars(select(Run.reason).where(Run.kind == RunKind.SNAPSHOT))) == {"Daily snapshot"}


async def test_it_is_one_a_day_and_none_before_its_hour(tools: Tools, machine: str) -> None:
    for minute in range(3):
        move(tools, NIGHT + timedelta(minutes=minute))
        await pass_a_minute(tools)
    assert await dates(tools) == [1]
    move(tools, NIGHT + timedelta(hours=23))
    await pass_a_minute(tools)
    assert await dates(tools) == [1]
    move(tools, NIGHT + timedelta(hours=24))
    await pass_a_minute(tools)
    assert await dates(tools) == [1, 2]


async def test_the_teams_policy_counts_where_the_owner_chose_nothing(tools: Tools, machine: str) -> None:
    await choose(tools, machine, None)
    await pass_a_minute(tools)
    assert await dates(tools) == []
    async with as_grace(tools) as ctx:
        await team_policy.change(ctx, TeamPolicy(daily_snapshots=True))
    await pass_a_minute(tools)
    assert await dates(tools) == [1]
    await choose(tools, machine, False)
    move(tools, NIGHT + timedelta(days=1))
    await pass_a_minute(tools)
    assert await dates(tools) == [1]


async def test_a_machine_that_stays_off_is_left_out(tools: Tools, machine: str) -> None:
    async with tools.database.sessions.begin() as session:
        workstation = await session.get_one(Workstation, machine)
        workstation.status, workstation.google_status_since = WorkstationStatus.STOPPED, NIGHT - timedelta(hours=1)
    for day in range(4):
        move(tools, NIGHT + timedelta(days=day))
        await pass_a_minute(tools)
    # What was written on its last day, after the snapshot, is in the one of the day after.
    assert await dates(tools) == [1, 2]


async def test_snapshots_taken_by_hand_are_not_thinned(tools: Tools, machine: str) -> None:
    await pass_a_minute(tools)
    async with tools.database.sessions.begin() as session:
        (await session.scalars(select(Snapshot))).one().reason = SnapshotReason.MANUAL
    for day in range(1, 9):
        move(tools, NIGHT + timedelta(days=day))
        await pass_a_minute(tools)
    assert await dates(tools) == [1, 3, 4, 5, 6, 7, 8, 9]
