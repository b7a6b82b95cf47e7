"""What machines are answered: what to say in their terminals, at login, and to whoever types `keep`."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from app.models import MachineEvent, Workstation
from app.services.workstations import idle_stops, observations, office_hours
from app.services.workstations.observations import Sighting
from app.services.workstations.office_hours import OfficeHoursSpec
from tests.app.routers.api.posting import KEEP, NUMBER, Machine

pytestmark = pytest.mark.anyio
BERLIN = {"days": ["mon"], "time_zone": "Europe/Berlin"}


async def change(machine: Machine, **columns: Any) -> None:
    async with machine.stage.database.sessions.begin() as session:
        row = await session.get_one(Workstation, machine.row.id)
        for name, value in columns.items():
            setattr(row, name, value)


async def warned(machine: Machine, at: datetime) -> list[tuple[str, str]]:
    """Of what the machine is told to warn then: ids and texts."""
    machine.stage.clock.now = at
    answer = await machine.tell_portal(machine.record(cpu=1))
    assert answer.status_code == 200, answer.text
    return [(each["id"], each["text"]) for each in answer.json()["warnings"]]


async def close_at(machine: Machine, clock: str) -> None:
    """By office hours of Mondays, in Berlin."""
    async with machine.stage.acting("grace") as ctx:
        row = await ctx.session.get_one(Workstation, machine.row.id)
        await office_hours.change(ctx, row, OfficeHoursSpec.model_validate({"stop": clock, **BERLIN}))


async def test_a_stop_of_office_hours_is_warned_of_30_and_10_minutes_before(machine: Machine) -> None:
    await close_at(machine, "19:00")
    stop = datetime(2026, 3, 2, 18, tzinfo=UTC)
    assert await warned(machine, stop - timedelta(minutes=31)) == []
    [first] = await warned(machine, stop - timedelta(minutes=30))
    assert await warned(machine, stop - timedelta(minutes=11)) == [first]
    [second] = await warned(machine, stop - timedelta(minutes=10))
    assert (first[0], second[0]) == ("office-hours-20260302T1800-30", "office-hours-20260302T1800-10")
    sentence = "Stationmaster stops this machine at 19:00 CET: its office hours end. To keep it running, type: keep 4h"
    assert {first[1], second[1]} == {sentence}

    await machine.post({"minutes": 60}, KEEP)
    assert await warned(machine, stop - timedelta(minutes=9)) == []


async def test_an_idle_stop_is_warned_of_once_a_worker_has_noticed_it(machine: Machine) -> None:
    now = machine.stage.clock() + timedelta(hours=3)
    idle = {"idle_choice": 60, "idle_since": now - timedelta(minutes=50), "running_at": now - timedelta(hours=2)}
    await change(machine, **idle, idle_seen_at=now)
    assert await warned(machine, now) == []
    machine.stage.clock.now = now
    async with machine.stage.database.sessions.begin() as session:
        ctx = machine.stage.context(session)
        assert await idle_stops.due(ctx) == [machine.row.id]
        assert await idle_stops.act(ctx, machine.row.id) is None
    await change(machine, idle_seen_at=now + timedelta(minutes=1))
    [(id_, text)] = await warned(machine, now + timedelta(minutes=1))
    assert id_ == "idle-20260302T1301-30"
    assert "stops this machine at 13:01 UTC: nobody has used it since 11:41 UTC." in text


async def test_an_end_date_is_warned_of_and_keep_says_that_it_comes_first(machine: Machine) -> None:
    await change(machine, ends_on=date(2026, 3, 4))
    end = datetime.combine(date(2026, 3, 5), time(12), UTC)
    assert await warned(machine, end - timedelta(minutes=31)) == []
    [(id_, text)] = await warned(machine, end - timedelta(minutes=10))
    assert id_ == "end-date-20260305T1200-10"
    assert "at 12:00 UTC: its end date has passed. Extend it" in text
    answer = await machine.post({"minutes": 600}, KEEP)
    assert answer.json()["sentence"] == "Kept running until its end date, 12:00 UTC."


async def test_the_run_limit_is_warned_of_and_keep_and_banner_say_that_google_stops_it(machine: Machine) -> None:
    at = machine.stage.clock() + timedelta(hours=2)
    await machine.seen(Sighting("RUNNING", google_id=NUMBER, run_limit_at=at))
    banner = (await machine.tell_portal(machine.record())).json()["banner"]
    assert banner[-1] == f"Google stops it at {at:%H:%M} UTC."
    answer = await machine.post({"minutes": 240}, KEEP)
    assert answer.json()["sentence"] == f"Kept running until the team's run limit, {at:%H:%M} UTC."
    [(id_, text)] = await warned(machine, at - timedelta(minutes=9))
    assert id_.startswith("run-limit-")
    assert f"at {at:%H:%M} UTC: it has run for as long as the team allows. Save your work" in text


async def test_keep_is_answered_with_the_time_and_is_in_the_history(machine: Machine) -> None:
    await close_at(machine, "19:00")
    answer = await machine.post({"minutes": 240}, KEEP)
    until = machine.stage.clock() + timedelta(hours=4)
    assert answer.status_code == 200, answer.text
    assert datetime.fromisoformat(answer.json()["kept_until"]) == until
    assert answer.json()["sentence"] == f"Kept running until {until + timedelta(hours=1):%H:%M} CET."
    shorter = await machine.post({"minutes": 10}, KEEP)
    assert shorter.json() == answer.json()
    longer = await machine.post({"minutes": 7 * 1440}, KEEP)
    assert "Mon 9 Mar" in longer.json()["sentence"]
    async with machine.stage.database.sessions() as session:
        events = await observations.events_of(session, machine.row.id)
    assert [_by_keep(event) for event in events].count(True) == 2


def _by_keep(event: MachineEvent) -> bool:
    return "By keep, typed on the machine" in (event.detail or "")


@pytest.mark.parametrize("body", [{}, {"minutes": 0}, {"minutes": 10_081}, {"minutes": "\0"}, {"hours": 4}, [], b"{"])
async def test_a_keep_that_makes_no_sense_is_refused(machine: Machine, body: Any) -> None:
    assert (await machine.post(body, KEEP)).status_code == 422
    assert (await machine.stage.row(Workstation, machine.row.id)).keep_until is None


async def test_keep_needs_the_machines_own_token(machine: Machine) -> None:
    await machine.seen(Sighting("RUNNING", machine.stage.clock(), google_id="8"))
    assert (await machine.post({"minutes": 240}, KEEP)).status_code == 404
    other = machine.token(of={"instance_id": NUMBER, "instance_name": "another"})
    assert (await machine.post({"minutes": 240}, KEEP, other)).status_code == 404


async def test_whoever_logs_in_is_told_the_price_and_until_when_it_is_kept(machine: Machine) -> None:
    banner = (await machine.tell_portal(machine.record())).json()["banner"]
    assert banner == ["This machine costs $0.18 an hour while it runs."]
    await machine.post({"minutes": 240}, KEEP)
    machine.stage.clock.advance(minutes=1)
    banner = (await machine.tell_portal(machine.record())).json()["banner"]
    assert banner[1].startswith("It is kept running until ")
