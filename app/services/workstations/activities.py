"""What machines do: the minutes that their agents report, kept in blocks, and thinned as they get older."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Any

from sqlalchemy import Select, and_, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.models import ActivityBlock, Workstation
from app.models.activity import Activity, Minute
from app.models.activity_block import KEPT_FOR, SLOTS, beginning, mean
from app.models.machine_health import CLOCKS_DIFFER
from app.services.context import Context

LATE = timedelta(minutes=30)
"""A minute that is reported later than this is not taken any more."""
Series = list[float | None]
"""A value for each minute, one after the other. None is unknown."""
MOST_FOLDED = 200
"""So many blocks are folded in one transaction."""


class Span(StrEnum):
    """How far back to look."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    @property
    def length(self) -> timedelta:
        """Up to now."""
        return timedelta(hours=1) if self is Span.HOUR else timedelta(days={"day": 1, "week": 7}.get(self, 31))

    @property
    def step(self) -> int:
        """The minutes of one step."""
        return {Span.HOUR: 1, Span.DAY: 10}.get(self, 60)


@dataclass(frozen=True)
class LastHour:
    """A machine's last hour: the minutes from `first_minute` on, of which something is known."""

    gpu: Series
    cpu: Series


async def record(ctx: Context, workstation: Workstation, activity: Activity) -> None:
    """Keep the minutes of a record that are new. The workstation's row is locked."""
    for minute in activity.minutes or ():
        if minute and ctx.now - LATE <= minute.at <= ctx.now + CLOCKS_DIFFER:
            await _put(ctx.session, workstation.id, 1, minute)


async def minutes(session: AsyncSession, workstation_id: str, begin: datetime, end: datetime) -> list[Minute]:
    """What is known of the minutes that begin from `begin` on and before `end`, in order. The last day's are kept.

    A minute of which nothing is known is left out.
    """
    return await steps(session, workstation_id, 1, begin, end)


async def steps(session: AsyncSession, workstation_id: str, step: int, begin: datetime, end: datetime) -> list[Minute]:
    """The means of each `step` minutes (1, 10 or 60) that begin in this time, in order, with those that still go on."""
    of_step = and_(ActivityBlock.step == step, ActivityBlock.begins_at >= beginning(begin, step))
    wanted = or_(of_step, and_(ActivityBlock.step == 1, ~ActivityBlock.is_folded))
    query = select(ActivityBlock).where(ActivityBlock.workstation_id == workstation_id, wanted)
    blocks = (await session.scalars(query.order_by(ActivityBlock.step, ActivityBlock.begins_at))).all()
    folded = [minute for block in blocks if block.step == step for minute in block.minutes]
    if step > 1:
        folded += means((minute for block in blocks if block.step == 1 for minute in block.minutes), step)
    return sorted((each for each in folded if begin <= each.at < end), key=lambda each: each.at)


async def in_span(ctx: Context, workstation: Workstation, span: Span) -> list[Minute]:
    """What it did until now, in the steps of this span."""
    return await steps(ctx.session, workstation.id, span.step, ctx.now - span.length, ctx.now + CLOCKS_DIFFER)


def first_minute(now: datetime) -> datetime:
    """The first that begins in the last hour."""
    since = now - timedelta(hours=1)
    return since.replace(second=0, microsecond=0) + timedelta(minutes=bool(since.second or since.microsecond))


def of_last_hour(query: Select[*tuple[Any, ...]], now: datetime) -> Select[*tuple[Any, ...]]:
    """The query of workstations with four more columns: GPU and CPU of the hour before this one, and of this one."""
    before, this = aliased(ActivityBlock), aliased(ActivityBlock)
    for block, begins_at in ((before, beginning(now - timedelta(hours=1), 1)), (this, beginning(now, 1))):
        is_its = and_(block.workstation_id == Workstation.id, block.step == 1, block.begins_at == begins_at)
        query = query.outerjoin(block, is_its)
    # Postgres counts from 1.
    late = slice(_skipped(now) + 1, SLOTS)
    return query.add_columns(before.gpu[late], before.cpu[late], this.gpu, this.cpu)


def read_last_hour(columns: Sequence[Series | None], now: datetime) -> LastHour | None:
    """What those columns say of the last hour; None if that is nothing."""
    # No models: a page of the list has thousands of minutes.
    if not any(columns):
        return None
    gpu_before, cpu_before, gpu, cpu = columns
    unknown: Series = [None] * (SLOTS - _skipped(now))
    return LastHour((gpu_before or unknown) + (gpu or []), (cpu_before or unknown) + (cpu or []))


def _skipped(now: datetime) -> int:
    """So many minutes of their block are before the last hour."""
    return (first_minute(now) - beginning(now - timedelta(hours=1), 1)) // timedelta(minutes=1)


async def thin(ctx: Context) -> int:
    """Fold hours that have ended into longer steps, and delete what is too old. Returns how many were folded."""
    ended = ctx.now - timedelta(hours=1) - LATE
    due = select(ActivityBlock).where(
        ActivityBlock.step == 1, ~ActivityBlock.is_folded, ActivityBlock.begins_at < ended
    )
    blocks: Sequence[ActivityBlock] = (await ctx.session.scalars(due.limit(MOST_FOLDED).with_for_update())).all()
    for block in blocks:
        for step in KEPT_FOR:
            for each in means(block.minutes, step) if step > 1 else ():
                await _put(ctx.session, block.workstation_id, step, each)
        block.is_folded = True
    too_old = (
        and_(ActivityBlock.step == step, ActivityBlock.begins_at < ctx.now - kept - timedelta(hours=step))
        for step, kept in KEPT_FOR.items()
    )
    await ctx.session.execute(delete(ActivityBlock).where(or_(*too_old)))
    return len(blocks)


def means(known: Iterable[Minute], step: int) -> list[Minute]:
    """Each `step` minutes as one, in order."""
    length = step * 60

    def start(minute: Minute) -> float:
        return minute.at.timestamp() // length * length

    return [mean(list(each), datetime.fromtimestamp(at, UTC)) for at, each in groupby(known, start)]


async def _put(session: AsyncSession, workstation_id: str, step: int, minute: Minute) -> None:
    key = (workstation_id, step, beginning(minute.at, step))
    block = await session.get(ActivityBlock, key)
    if block is None:
        block = ActivityBlock.empty(*key)
        session.add(block)
    block.put(minute)
