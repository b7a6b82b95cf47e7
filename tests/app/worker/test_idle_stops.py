"""Idle stops, warned of and acted on by the worker as the clock moves and the agent reports."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app import origin
from app.models import MachineEvent, Run, RunKind, Workstation
from app.models.machine_report import MachineReport
from app.services.people import team_policy
from app.services.people.team_policy import TeamPolicy
from app.services.workstations import idle_stops, lifetimes, office_hours, reports
from app.services.workstations.office_hours import OfficeHoursSpec
from app.worker import periodic
from app.worker.claim import Tools
from tests.app.models.test_idle_stop import IDLE, IN_USE
from tests.parts import MovingClock
from tests.stage import Stage
from tests.steps import audit_entries

pytestmark = pytest.mark.anyio
L4 = "g2-standard-4"


@pytest.fixture
def clock() -> MovingClock:
    """A Monday, half past nine."""
    return MovingClock(datetime(2026, 3, 2, 9, 30, tzinfo=UTC))


async def machine(stage: Stage, minutes: int | None = 60) -> str:
    """An L4 that runs since 09:30, and is to be stopped after so many idle minutes."""
    made = await stage.make(machine_type=L4)
    stage.clock.now = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    async with stage.acting("grace") as ctx:
        await idle_stops.change(ctx, await ctx.session.get_one(Workstation, made.id), minutes)
    return made.id


async def tell(stage: Stage, workstation_id: str, attributes: dict[str, str] | None = None, **changes: Any) -> None:
    """A worker reads what the agent reported this minute."""
    now = stage.clock()
    minute = [int((now - timedelta(minutes=1)).timestamp() // 60), 3, 2, 10, 4000, 12_000, 20, 0, 0]
    record = json.dumps({"at": now.isoformat(), **IDLE, "minutes": [minute], **changes})
    async with stage.database.sessions.begin() as session:
        row = await session.get_one(Workstation, workstation_id, with_for_update=True)
        report = MachineReport.read({"activity": record, **(attributes or {})})
        await reports.record(stage.context(session), row, report)


async def minutes(stage: Stage, tools: Tools, workstation_id: str, number: int, **changes: Any) -> Run | None:
    """So many minutes pass, each with a report; returns the run that was queued in one of them, carried out."""
    for _ in range(number):
        stage.clock.advance(minutes=1)
        await tell(stage, workstation_id, **changes)
        async with tools.database.sessions.begin() as session:
            due = await idle_stops.due(tools.context(session))
        # What else is done each minute is nothing new here, and sixty times of it take long.
        if due:
            await periodic.do(tools)
        async with tools.database.sessions() as session:
            if run := await session.scalar(select(Run).where(Run.status == "queued")):
                await stage.carry_out(run.id)
                return run
    return None


async def test_an_idle_machine_is_warned_of_and_stopped_with_its_evidence(stage: Stage, tools: Tools) -> None:
    workstation_id = await machine(stage)
    await tell(stage, workstation_id)
    assert await minutes(stage, tools, workstation_id, 59) is None
    assert (await stage.row(Workstation, workstation_id)).idle_warned_at == datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    with origin.bound(origin.WORKER, "none"):
        stop = await minutes(stage, tools, workstation_id, 1)
    assert stop
    assert (stop.kind, stop.requested_by) == (RunKind.STOP, None)
    assert stop.reason == (
        "Idle since 2 Mar, 09:30 UTC: GPU at most 3 %, CPU at most 2 %, network at most 12 kB/s, no key pressed, "
        "no job in tmux, screen or Jupyter, measured in 60 of 60 minutes"
    )
    row = await stage.row(Workstation, workstation_id)
    assert (row.is_off, row.idle_since, row.idle_warned_at) == (True, None, None)
    async with stage.database.sessions() as session:
        [entry] = await audit_entries(session, action="workstation.stop")
    assert (entry.actor, entry.after) == ("Stationmaster", {"run": stop.id, "reason": stop.reason})


@pytest.mark.parametrize("what", ["a silent training", "a download", "a job in tmux", "an editor"])
async def test_a_machine_in_use_is_not_stopped(stage: Stage, tools: Tools, what: str) -> None:
    workstation_id = await machine(stage)
    assert await minutes(stage, tools, workstation_id, 100, **IN_USE[what]) is None
    # And the time begins anew.
    assert await minutes(stage, tools, workstation_id, 60) is None
    assert await minutes(stage, tools, workstation_id, 1)


async def test_a_machine_whose_agent_dies_is_not_stopped(stage: Stage, tools: Tools) -> None:
    workstation_id = await machine(stage)
    assert await minutes(stage, tools, workstation_id, 55) is None
    for _ in range(30):
        stage.clock.advance(minutes=1)
        await periodic.do(tools)
    async with tools.database.sessions() as session:
        assert await session.scalar(select(Run).where(Run.status == "queued")) is None


async def test_several_workers_at_the_same_minute_request_one_run(stage: Stage, tools: Tools) -> None:
    workstation_id = await machine(stage)
    await tell(stage, workstation_id)
    assert await minutes(stage, tools, workstation_id, 59) is None
    stage.clock.advance(minutes=1)
    await tell(stage, workstation_id)
    await asyncio.gather(*(periodic.do(tools) for _ in range(3)))
    async with tools.database.sessions() as session:
        assert len(list(await session.scalars(select(Run).where(Run.kind == RunKind.STOP)))) == 1


async def test_the_team_decides_where_the_owner_has_not(stage: Stage, tools: Tools) -> None:
    workstation_id = await machine(stage, None)
    assert await minutes(stage, tools, workstation_id, 100) is None
    async with stage.acting("ada") as ctx:
        await team_policy.change(ctx, TeamPolicy(idle_minutes=90))
    # It has been idle for long, and is warned half an hour before all the same.
    assert await minutes(stage, tools, workstation_id, 30) is None
    assert await minutes(stage, tools, workstation_id, 1)


async def test_what_the_owner_chose_stays_within_the_bounds(stage: Stage, tools: Tools) -> None:
    workstation_id = await machine(stage, 0)
    async with stage.acting("ada") as ctx:
        await team_policy.change(ctx, TeamPolicy(idle_least=60, idle_most=120, idle_required=True))
    assert await minutes(stage, tools, workstation_id, 120) is None
    assert await minutes(stage, tools, workstation_id, 1)


async def test_keep_that_is_typed_on_the_machine_counts_once_and_is_in_the_history(stage: Stage, tools: Tools) -> None:
    workstation_id = await machine(stage)
    until = stage.clock() + timedelta(hours=4, minutes=30)
    kept = {"keep": until.isoformat()}
    assert await minutes(stage, tools, workstation_id, 268, attributes=kept) is None
    async with stage.database.sessions() as session:
        events = list(await session.scalars(select(MachineEvent).where(MachineEvent.kind == "kept")))
    assert [event.detail for event in events] == ["By keep, typed on the machine, until 2 Mar 2026, 14:00 UTC."]
    # Whoever ends it on the page is not overruled by what was typed before.
    async with stage.acting("grace") as ctx:
        await idle_stops.stop_keeping(ctx, await ctx.session.get_one(Workstation, workstation_id))
    await minutes(stage, tools, workstation_id, 1, attributes=kept)
    assert not (await stage.row(Workstation, workstation_id)).is_kept(stage.clock())


@pytest.mark.parametrize("text", ["", "soon", "9999-12-31T00:00:00Z", "2026-03-01T00:00:00Z", "2026-03-09", "\0"])
async def test_a_keep_that_makes_no_sense_keeps_a_week_at_most(stage: Stage, text: str) -> None:
    workstation_id = await machine(stage)
    await tell(stage, workstation_id, {"keep": text})
    kept = (await stage.row(Workstation, workstation_id)).keep_until
    assert kept is None or (text.startswith("9999") and kept == stage.clock() + timedelta(days=7))


async def test_keeping_counts_before_office_hours_and_the_end_date_before_keeping(stage: Stage, tools: Tools) -> None:
    workstation_id = await machine(stage)
    async with stage.acting("grace") as ctx:
        row = await ctx.session.get_one(Workstation, workstation_id)
        spec = OfficeHoursSpec.model_validate({"stop": "10:00", "days": ["mon", "tue"], "time_zone": "UTC"})
        await office_hours.change(ctx, row, spec)
        await lifetimes.change(ctx, row, stage.clock().date())
        await idle_stops.keep(ctx, row, 168)
        coming = row.coming_moment(ctx.now)
        assert coming
        assert coming.at == datetime(2026, 3, 9, 10, 0, tzinfo=UTC)
    stage.clock.now = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    await periodic.do(tools)
    async with stage.database.sessions() as session:
        details = list(await session.scalars(select(MachineEvent.detail)))
        assert await session.scalar(select(Run).where(Run.status == "queued")) is None
    assert "Stop at 10:00: It is kept running until 9 Mar, 09:30 UTC." in details
    stage.clock.now = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
    await periodic.do(tools)
    async with stage.database.sessions() as session:
        stop = await session.scalar(select(Run).where(Run.status == "queued"))
    assert stop
    assert stop.reason == "End date"
