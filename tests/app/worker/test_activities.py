"""What machines did: kept minute by minute, thinned as it gets older, and small."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text

from app.models import ActivityBlock, Workstation
from app.models.activity import MEASURES, Minute
from app.models.machine_report import MachineReport
from app.services.workstations import activities, reports
from tests.stage import Stage

pytestmark = pytest.mark.anyio
A_MONTH = timedelta(days=31)
MOST_BYTES = 200_000


def minute(at: datetime, **numbers: float) -> list[Any]:
    return [int(at.timestamp() // 60), *(numbers.get(measure) for measure in MEASURES)]


async def tell(stage: Stage, workstation_id: str, *minutes: list[Any]) -> None:
    """A worker reads the agent's record among the machine's guest attributes."""
    record = json.dumps({"at": stage.clock().isoformat(), "minutes": minutes})
    async with stage.database.sessions.begin() as session:
        workstation = await session.get_one(Workstation, workstation_id)
        await reports.record(stage.context(session), workstation, MachineReport.read({"activity": record}))


async def known(stage: Stage, workstation_id: str, step: int = 1, back: timedelta = A_MONTH) -> list[Minute]:
    now = stage.clock()
    async with stage.database.sessions() as session:
        return await activities.steps(session, workstation_id, step, now - back, now + timedelta(hours=1))


async def thin(stage: Stage) -> None:
    async with stage.database.sessions.begin() as session:
        while await activities.thin(stage.context(session)):
            pass


async def test_the_newest_record_is_the_workstations_and_its_minutes_are_kept_once(stage: Stage) -> None:
    machine, now = await stage.make(), stage.clock()
    await tell(stage, machine.id, minute(now, gpu=97, typed=1), minute(now - timedelta(minutes=3), gpu=0))
    activity = (await stage.row(Workstation, machine.id)).activity
    assert activity
    assert activity.is_current(now)
    # A machine cannot take back what it said.
    stage.clock.advance(minutes=1)
    await tell(stage, machine.id, minute(now, gpu=1), minute(stage.clock(), cpu=5))
    assert [(each.at - now, each.gpu, each.cpu) for each in await known(stage, machine.id)] == [
        (timedelta(minutes=-3), 0, None),
        (timedelta(), 97, None),
        (timedelta(minutes=1), None, 5),
    ]


async def test_minutes_of_long_ago_or_of_the_future_are_not_taken(stage: Stage) -> None:
    machine, now = await stage.make(), stage.clock()
    await tell(stage, machine.id, minute(now - timedelta(minutes=31), gpu=1), minute(now + timedelta(minutes=6), gpu=1))
    assert await known(stage, machine.id) == []


async def test_hours_are_folded_into_means_and_the_most(stage: Stage) -> None:
    machine, begin = await stage.make(), stage.clock().replace(minute=0) + timedelta(hours=1)
    for number in range(60):
        stage.clock.now = begin + timedelta(minutes=number)
        await tell(stage, machine.id, minute(stage.clock(), gpu=number, jobs=number % 10))
    expected = [(10 * each + 4.5, 9) for each in range(6)]
    # The same numbers before an hour has ended and after it was folded.
    assert [(each.gpu, each.jobs) for each in await known(stage, machine.id, 10)] == expected
    stage.clock.now = begin + timedelta(hours=2)
    await thin(stage)
    assert [(each.gpu, each.jobs) for each in await known(stage, machine.id, 10)] == expected
    assert [(each.at, each.gpu, each.cpu) for each in await known(stage, machine.id, 60)] == [(begin, 29.5, None)]


async def test_what_is_too_old_is_deleted(stage: Stage) -> None:
    machine = await stage.make()
    await tell(stage, machine.id, minute(stage.clock(), gpu=1))
    for days, steps in ((2, {10, 60}), (9, {60}), (100, set())):
        stage.clock.advance(days=days)
        await thin(stage)
        async with stage.database.sessions() as session:
            assert set(await session.scalars(select(ActivityBlock.step))) == steps


async def test_a_month_of_machines_that_never_rest_is_small(stage: Stage) -> None:
    machines = [(await stage.make(f"dev-{number}")).id for number in range(5)]
    # Random numbers, which nothing can compress. The condition has each row get its own.
    random = "array(SELECT random() * 1e9 FROM generate_series(1, 60) WHERE begins_at IS NOT NULL)::real[]"
    fill = text(
        f"INSERT INTO activity_blocks (workstation_id, step, begins_at, is_folded, {', '.join(MEASURES)}) "
        f"SELECT id, step, begins_at, true, {', '.join([random] * len(MEASURES))} "
        "FROM unnest(CAST(:machines AS text[])) AS id, "
        "(VALUES (1, 1), (10, 8), (60, 31)) AS kept (step, days), "
        "generate_series(now() - days * interval '1 day', now(), step * interval '1 hour') AS begins_at"
    )
    async with stage.database.sessions.begin() as session:
        await session.execute(fill, {"machines": machines})
        rows = await session.scalar(select(func.count()).select_from(ActivityBlock))
        size = await session.scalar(select(func.pg_total_relation_size("activity_blocks")))
    assert rows == len(machines) * (25 + 20 + 13)
    assert size
    assert size / len(machines) <= MOST_BYTES
