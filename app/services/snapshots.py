"""Snapshots: kept by a worker under a name, read by everybody, taken anew when somebody asks."""

from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app import live, queue
from app.models import Snapshot

DOCTOR = "doctor"
"""The doctor's: its checks, and whom Google sees in the worker."""

_IS_ASKED_FOR = text(
    """
    SELECT EXISTS (SELECT 1 FROM procrastinate_jobs
                   WHERE task_name = :task AND args ->> 'name' = :name
                     AND (status = 'todo' OR status = 'doing' AND worker_id IS NOT NULL))
    """
)
"""The job of a worker that died stays `doing`, without a worker."""


async def keep(session: AsyncSession, name: str, content: dict[str, Any], now: datetime) -> None:
    """Put this in the place of the one before, and tell whoever looks at it."""
    row = {"name": name, "taken_at": now, "content": content}
    statement = insert(Snapshot).values(row).on_conflict_do_update(index_elements=["name"], set_=row)
    await session.execute(statement)
    await live.signal(session, live.snapshot_topic(name))


async def read(session: AsyncSession, name: str) -> Snapshot | None:
    """The newest of this name; None before the first was taken."""
    return await session.get(Snapshot, name, populate_existing=True)


async def request(session: AsyncSession, name: str) -> None:
    """Have a worker take it, once, however many ask."""
    await queue.enqueue_snapshot(session, name)
    await live.signal(session, live.snapshot_topic(name))


async def is_requested(session: AsyncSession, name: str) -> bool:
    """Whether a worker takes it now, or is to."""
    return bool(await session.scalar(_IS_ASKED_FOR, {"task": queue.TAKE_SNAPSHOT, "name": name}))
