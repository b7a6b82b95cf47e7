"""When a workstation ends, and what is done about it by then."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models import Workstation, WorkstationStatus
from app.models.lifetime import end_date_problem, end_of

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def machine(ends_on: date | None = None, status: str = "running") -> Workstation:
    row = Workstation(id="w", name="dev-1", status=WorkstationStatus(status), google_status_since=NOW)
    row.set_end(ends_on, NOW)
    return row


def test_a_day_is_over_when_it_is_over_everywhere() -> None:
    assert end_of(date(2026, 3, 6)) == datetime(2026, 3, 7, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "sentence"),
    [
        (date(2026, 3, 1), "This day has passed. Choose today or a later day."),
        (date.min, "This day has passed. Choose today or a later day."),
        (date(2026, 3, 2), None),
        (date(2031, 3, 4), None),
        (date(2031, 3, 8), "Choose a day in the next five years."),
        (date.max, "Choose a day in the next five years."),
        (None, None),
    ],
)
def test_an_end_date_is_today_or_in_the_next_five_years(day: date | None, sentence: str | None) -> None:
    assert end_date_problem(day, NOW) == sentence


@given(days=st.integers(0, 40), minutes=st.lists(st.integers(1, 3000), max_size=40))
def test_each_reminder_is_given_once_and_none_that_was_over_when_the_date_was_set(
    days: int, minutes: list[int]
) -> None:
    row, now, given_ = machine(NOW.date() + timedelta(days=days)), NOW, []
    assert row.due_reminder(now) is None
    for step in minutes:
        now += timedelta(minutes=step)
        if (reminder := row.due_reminder(now)) is not None:
            row.end_reminded = reminder
            given_.append(reminder)
            assert row.ends_at
            assert now < row.ends_at <= now + timedelta(days=reminder)
        assert row.due_reminder(now) is None
    assert given_ == sorted(set(given_), reverse=True)
    assert all(row.ends_at and row.ends_at - timedelta(days=each) > NOW for each in given_)


@given(
    ends=st.none() | st.integers(0, 60),
    deletes=st.none() | st.integers(-60, 60),
    after=st.integers(0, 120),
    status=st.sampled_from(WorkstationStatus),
)
def test_nothing_is_deleted_that_runs_or_has_not_been_stopped_before(
    ends: int | None, deletes: int | None, after: int, status: WorkstationStatus
) -> None:
    row = machine(NOW.date() + timedelta(days=ends) if ends is not None else None, status)
    row.deletes_at = NOW + timedelta(days=deletes) if deletes is not None else None
    now = NOW + timedelta(days=after)
    if row.must_delete(now):
        assert row.deletes_at
        assert row.deletes_at <= now
        assert not row.is_running
    assert not (row.must_stop(now) and row.must_delete(now))


def test_an_extension_counts_from_the_end_date_or_from_today() -> None:
    row = machine(date(2026, 3, 6))
    assert row.extended(7, NOW) == date(2026, 3, 13)
    assert row.extended(7, NOW + timedelta(days=30)) == date(2026, 4, 8)


@pytest.mark.parametrize(
    ("status", "days", "kept", "ends_on", "is_dormant"),
    [
        ("stopped", 29, None, None, False),
        ("stopped", 30, None, None, True),
        ("preempted", 30, None, None, True),
        ("suspended", 30, None, None, True),
        ("running", 300, None, None, False),
        ("destroyed", 300, None, None, False),
        ("stopped", 40, 20, None, False),
        ("stopped", 60, 20, None, True),
        ("stopped", 40, None, date(2026, 3, 3), False),
        ("stopped", 40, None, date(2027, 3, 3), True),
    ],
)
def test_a_machine_is_dormant_that_nobody_has_started_or_kept_for_long(
    status: str, days: int, kept: int | None, ends_on: date | None, is_dormant: bool
) -> None:
    row = machine(ends_on, status)
    row.kept_at = NOW + timedelta(days=kept) if kept else None
    assert row.is_dormant(NOW + timedelta(days=days), timedelta(days=30)) is is_dormant
    row.google_status_since = None
    assert not row.is_dormant(NOW + timedelta(days=days), timedelta(days=30))


def test_office_hours_start_nothing_after_the_end_date() -> None:
    row = machine(date(2026, 3, 4), "stopped")
    row.set_hours({"start": "09:00", "stop": "19:00", "days": ["mon", "thu", "fri"], "time_zone": "UTC"}, NOW)
    # Thursday at nine is before noon, when Wednesday is over everywhere; Friday is not.
    coming = row.coming_moment(NOW)
    assert coming
    assert coming.sentence(NOW.date()) == "Starts Thu at 09:00"
    assert row.coming_moment(datetime(2026, 3, 5, 9, 0, tzinfo=UTC)) is None
    row.status = WorkstationStatus.RUNNING
    stop = row.coming_moment(datetime(2026, 3, 6, 9, 0, tzinfo=UTC))
    assert stop
    assert stop.sentence(date(2026, 3, 6)) == "Stops at 19:00"
