"""When office hours start and stop a machine, also where the clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.models import RunKind
from app.models.office_hours import DAYS, Day, Moment, OfficeHours, instant

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")
CHANGES = {
    "Europe/Berlin": (date(2026, 3, 29), date(2026, 10, 25)),
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
}


def hours(
    start: str | None, stop: str | None, days: str = "mon tue wed thu fri", zone: str = "Europe/Berlin"
) -> OfficeHours:
    stored = {"start": start, "stop": stop, "days": days.split(), "time_zone": zone}
    return OfficeHours.read(stored)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def told(moment: Moment | None) -> tuple[RunKind, str] | None:
    return (moment.order, f"{moment.at:%a %-d %b %H:%M}") if moment else None


@pytest.mark.parametrize(
    ("zone", "day", "clock", "at"),
    [
        ("Europe/Berlin", "2026-03-28", "02:30", "2026-03-28 01:30"),
        # At 02:00 the clocks jump to 03:00: everything in between comes then.
        ("Europe/Berlin", "2026-03-29", "01:59", "2026-03-29 00:59"),
        ("Europe/Berlin", "2026-03-29", "02:00", "2026-03-29 01:00"),
        ("Europe/Berlin", "2026-03-29", "02:30", "2026-03-29 01:00"),
        ("Europe/Berlin", "2026-03-29", "03:00", "2026-03-29 01:00"),
        ("Europe/Berlin", "2026-03-29", "19:00", "2026-03-29 17:00"),
        # At 03:00 they go back to 02:00: everything in between comes twice, and counts the first time.
        ("Europe/Berlin", "2026-10-25", "02:00", "2026-10-25 00:00"),
        ("Europe/Berlin", "2026-10-25", "02:30", "2026-10-25 00:30"),
        ("Europe/Berlin", "2026-10-25", "03:00", "2026-10-25 02:00"),
        ("Europe/Berlin", "2026-10-25", "19:00", "2026-10-25 18:00"),
        ("America/New_York", "2026-03-08", "01:59", "2026-03-08 06:59"),
        ("America/New_York", "2026-03-08", "02:30", "2026-03-08 07:00"),
        ("America/New_York", "2026-03-08", "09:00", "2026-03-08 13:00"),
        ("America/New_York", "2026-11-01", "01:30", "2026-11-01 05:30"),
        ("America/New_York", "2026-11-01", "02:00", "2026-11-01 07:00"),
        ("America/New_York", "2026-11-01", "09:00", "2026-11-01 14:00"),
    ],
)
def test_times_that_do_not_exist_or_come_twice_come_once(zone: str, day: str, clock: str, at: str) -> None:
    assert instant(date.fromisoformat(day), time.fromisoformat(clock), ZoneInfo(zone)) == utc(at)


@given(
    zone=st.sampled_from(ZONES),
    day=st.dates(date(2026, 1, 1), date(2026, 12, 31)),
    minutes=st.integers(0, 24 * 60 - 1),
)
@example("Europe/Berlin", date(2026, 3, 29), 150)
@example("Europe/Berlin", date(2026, 10, 25), 150)
@example("America/New_York", date(2026, 3, 8), 150)
@example("America/New_York", date(2026, 11, 1), 90)
@example("Australia/Lord_Howe", date(2026, 10, 4), 135)
@example("Australia/Lord_Howe", date(2026, 4, 5), 105)
def test_a_moment_is_when_the_clocks_first_show_its_time_or_a_later_one(zone: str, day: date, minutes: int) -> None:
    local = datetime.combine(day, time()) + timedelta(minutes=minutes)
    at = instant(day, local.time(), ZoneInfo(zone))

    def shown(moment: datetime) -> datetime:
        return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)

    assert at.tzinfo is UTC
    assert shown(at) >= local
    # No change is larger than an hour, so that whatever is wrong would show within three.
    assert all(shown(at - timedelta(minutes=before)) < local for before in range(1, 180))


@pytest.mark.parametrize(
    ("zone", "day"), [(zone, day) for zone, days in CHANGES.items() for day in days], ids=lambda each: str(each)
)
def test_a_week_over_a_change_has_each_moment_once_and_by_the_clock(zone: str, day: date) -> None:
    kept = hours("09:00", "19:00", " ".join(DAYS), zone)
    now = datetime.combine(day - timedelta(days=3), time(), UTC)
    found = []
    while (moment := kept.next(now)) and moment.day <= day + timedelta(days=3):
        found.append(moment.at.astimezone(ZoneInfo(zone)).strftime("%d %H:%M"))
        assert kept.last(moment.at) == moment
        now = moment.at
    days = [day + timedelta(days=number) for number in range(-3, 4)]
    assert found[-14:] == [f"{each:%d} {clock}" for each in days for clock in ("09:00", "19:00")]


@given(
    start=st.none() | st.times(),
    stop=st.none() | st.times(),
    days=st.sets(st.sampled_from(DAYS), min_size=1),
    zone=st.sampled_from(ZONES),
    now=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)),  # UTC is added below
)
def test_moments_follow_each_other_without_gaps(
    start: time | None, stop: time | None, days: set[Day], zone: str, now: datetime
) -> None:
    if start == stop:
        return
    kept, moments = OfficeHours(start, stop, frozenset(days), zone), []
    at = now.replace(tzinfo=UTC)
    for _ in range(6):
        moment = kept.next(at)
        assert moment is not None
        assert at < moment.at < at + timedelta(days=9)
        assert kept.last(moment.at).at == moment.at
        assert kept.last(moment.at - timedelta(microseconds=1)).at <= at
        moments.append(moment)
        at = moment.at
    # Where both are set, each start has its stop before the next one, unless the clocks jump over one of them.
    kinds = [moment.order for moment in moments if moment.local == moment.at.astimezone(kept.zone).replace(tzinfo=None)]
    if start and stop and len(kinds) == len(moments):
        assert all(first is not second for first, second in pairwise(kinds))


def test_a_stop_after_midnight_belongs_to_the_day_before() -> None:
    overnight = hours("20:00", "04:00", "fri", "UTC")
    stop = overnight.next(utc("2026-03-06 20:00"))
    assert told(stop) == (RunKind.STOP, "Sat 7 Mar 04:00")
    assert stop
    assert stop.day == date(2026, 3, 6)
    assert told(overnight.next(utc("2026-03-07 04:00"))) == (RunKind.START, "Fri 13 Mar 20:00")


def test_a_day_is_skipped_with_all_its_moments() -> None:
    kept, monday = hours("09:00", "19:00", "mon wed", "UTC"), utc("2026-03-02 08:00")
    assert told(kept.next(monday, skips=date(2026, 3, 2))) == (RunKind.START, "Wed 4 Mar 09:00")
    assert told(kept.next(monday, order=RunKind.STOP)) == (RunKind.STOP, "Mon 2 Mar 19:00")
    assert hours("09:00", None).next(monday, order=RunKind.STOP) is None


def test_moments_are_sentences() -> None:
    kept, now = hours("09:00", "19:00"), utc("2026-03-02 17:00")
    stop = kept.next(now)
    assert stop
    assert stop.sentence(kept.today(now)) == "Stops at 19:00"
    start = kept.next(stop.at)
    assert start
    assert start.sentence(kept.today(now)) == "Starts Tue at 09:00"
    assert [kept.day_name(date(2026, 3, day), now) for day in (2, 3, 4)] == ["today", "tomorrow", "Wed 4 Mar"]
