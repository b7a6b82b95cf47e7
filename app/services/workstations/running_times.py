"""How long machines run in each month (UTC), and since when."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, extract, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.models import RunningTime, Workstation, WorkstationStatus


def month_of(at: datetime) -> date:
    """The first day of the month."""
    return at.astimezone(UTC).date().replace(day=1)


def beginning(month: date) -> datetime:
    """When the month begins."""
    return datetime(month.year, month.month, 1, tzinfo=UTC)


def by_month(begin: datetime, end: datetime) -> dict[date, float]:
    """A span of time in seconds, month by month."""
    seconds = {}
    while begin < end:
        month = month_of(begin)
        next_month = beginning(month_of(beginning(month) + timedelta(days=31)))
        seconds[month] = (min(end, next_month) - begin).total_seconds()
        begin = next_month
    return seconds


async def add(session: AsyncSession, workstation_id: str, begin: datetime, end: datetime) -> None:
    """A machine has run from `begin` to `end`."""
    for month, seconds in by_month(begin, end).items():
        row = insert(RunningTime).values(workstation_id=workstation_id, month=month, seconds=seconds)
        sums = {"seconds": RunningTime.seconds + row.excluded.seconds}
        await session.execute(row.on_conflict_do_update(index_elements=["workstation_id", "month"], set_=sums))


async def end_deleted(session: AsyncSession) -> None:
    """Machines that the portal has deleted have run until then."""
    is_deleted = and_(Workstation.status == WorkstationStatus.DESTROYED, Workstation.running_since.is_not(None))
    for workstation in await session.scalars(select(Workstation).where(is_deleted).with_for_update()):
        if workstation.running_since and workstation.destroyed_at:
            await add(session, workstation.id, workstation.running_since, workstation.destroyed_at)
        workstation.running_since = None


def is_of(workstation: type[Workstation], time: type[RunningTime], now: datetime) -> ColumnElement[bool]:
    """To join the time of a workstation in the month of `now`."""
    return and_(time.workstation_id == workstation.id, time.month == month_of(now))


def seconds(workstation: type[Workstation], time: type[RunningTime], now: datetime) -> ColumnElement[float]:
    """How long the machine has run in the month of `now`, in seconds; `time` is joined with `is_of`."""
    is_deleted = workstation.status == WorkstationStatus.DESTROYED
    until = case((is_deleted, workstation.destroyed_at), else_=now)
    since: InstrumentedAttribute[Any] = workstation.running_since
    goes_on = func.greatest(0.0, extract("epoch", until - func.greatest(since, beginning(month_of(now)))))
    return func.coalesce(time.seconds, 0.0) + case((since.is_not(None), goes_on), else_=0.0)
