"""Which daily snapshots are kept: the last of each of 7 days, and of each of 4 weeks."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.models.snapshot_schedule import DAYS, WEEKS, kept

TIMES = st.datetimes(datetime(2024, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))


def test_a_month_of_days_worked_out_by_hand() -> None:
    # 1 January 2026 is a Thursday, 31 January a Saturday: Sundays are the 4th, 11th, 18th and 25th.
    january = [datetime(2026, 1, day, 2, tzinfo=UTC) for day in range(1, 32)]
    assert sorted(at.day for at in kept(january)) == [11, 18, 25, 26, 27, 28, 29, 30, 31]


def test_thinning_day_by_day_keeps_the_same_as_thinning_once() -> None:
    left: set[datetime] = set()
    everything = [datetime(2026, 1, 1, 2, tzinfo=UTC) + timedelta(days=day) for day in range(100)]
    for at in everything:
        left = kept({*left, at})
    assert left == kept(everything)


def test_several_of_a_day_leave_the_last() -> None:
    morning, evening = datetime(2026, 1, 5, 2, tzinfo=UTC), datetime(2026, 1, 5, 20, tzinfo=UTC)
    assert kept([evening, morning]) == {evening}


def test_days_without_snapshots_do_not_count() -> None:
    years_ago = [datetime(2024, month, 1, tzinfo=UTC) for month in range(1, 8)]
    assert kept(years_ago) == set(years_ago)


@given(st.sets(TIMES, max_size=60))
def test_what_is_kept_is_the_newest_of_its_days_and_weeks(taken: set[datetime]) -> None:
    found = kept(taken)
    assert found <= taken
    assert len(found) <= DAYS + WEEKS
    assert not taken or max(taken) in found
    days = sorted({at.date() for at in taken})[-DAYS:]
    weeks = sorted({at.isocalendar()[:2] for at in taken})[-WEEKS:]
    expected = {max(at for at in taken if at.date() == day) for day in days}
    expected |= {max(at for at in taken if at.isocalendar()[:2] == week) for week in weeks}
    assert found == expected
    assert kept(found) == found
