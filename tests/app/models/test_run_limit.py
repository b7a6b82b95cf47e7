"""When a workstation's page warns that Google stops its machine."""

from datetime import UTC, datetime, timedelta

import pytest

from app.models import Workstation, WorkstationStatus

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


def machine(hours: int, status: WorkstationStatus = WorkstationStatus.RUNNING) -> Workstation:
    return Workstation(status=status, running_since=START, run_limit_at=START + timedelta(hours=hours))


@pytest.mark.parametrize(("hours", "before"), [(1, 1), (2, 1), (20, 5), (96, 24), (720, 24)])
def test_the_warning_is_there_in_the_last_quarter_an_hour_to_a_day(hours: int, before: int) -> None:
    begins = START + timedelta(hours=hours - before)
    assert not machine(hours).reaches_limit_soon(begins)
    assert machine(hours).reaches_limit_soon(begins + timedelta(seconds=1))


def test_what_does_not_run_or_has_no_limit_is_not_warned_of() -> None:
    end = START + timedelta(hours=20)
    assert not machine(20, WorkstationStatus.STOPPED).reaches_limit_soon(end)
    assert not Workstation(status=WorkstationStatus.RUNNING).reaches_limit_soon(end)


def test_a_stop_counts_as_google_s_from_a_minute_before_the_limit_on() -> None:
    end = START + timedelta(hours=20)
    assert machine(20).has_reached_limit(end - timedelta(minutes=1))
    assert not machine(20).has_reached_limit(end - timedelta(minutes=2))
    assert not Workstation().has_reached_limit(end)
