"""Inspections: taken by a worker, regularly or on request, and read by everybody."""

from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app import live, queue
from app.models import Inspection

DOCTOR = "doctor"
"""The name of the doctor's inspection: its checks, and the worker's identity at Google."""

_IS_REQUESTED = text(
    """
    SELECT EXISTS (SELECT 1 FROM procrastinate_jobs
                   WHERE task_name = :task AND args ->> 'name' = :name
                     AND (status = 'todo' OR status = 'doing' AND worker_id IS NOT NULL))
    """
)
"""Whether a job for the inspection is queued or running. The job of a worker that died stays `doing`, without a
worker."""


async def keep(session: AsyncSession, name: str, content: dict[str, Any], now: datetime) -> None:
    """Replace the inspection, and signal the change to open pages."""
    row = {"name": name, "taken_at": now, "content": content}
    statement = insert(Inspection).values(row).on_conflict_do_update(index_elements=["name"], set_=row)
    await session.execute(statement)
    await live.signal(session, live.inspection_topic(name))


async def read(session: AsyncSession, name: str) -> Inspection | None:
    """The newest inspection with this name; None if none was taken yet."""
    # A copy that this session has already read may be outdated.
    return await session.get(Inspection, name, populate_existing=True)


async def request(session: AsyncSession, name: str) -> None:
    """Have a worker take the inspection. Several requests result in one."""
    await queue.enqueue_inspection(session, name)
    await live.signal(session, live.inspection_topic(name))


async def is_requested(session: AsyncSession, name: str) -> bool:
    """Whether a worker is taking the inspection, or is to."""
    return bool(await session.scalar(_IS_REQUESTED, {"task": queue.INSPECT, "name": name}))
