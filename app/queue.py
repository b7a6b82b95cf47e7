"""The job queue (procrastinate) for everything that workers do besides runs, on request or on a schedule.

Runs are claimed from their own table (worker/claim.py) when a notification arrives.
"""

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import driver_connection

TAKE_SNAPSHOT = "take_snapshot"
JOBS = "jobs"

queue = App(connector=PsycopgConnector())


async def enqueue_snapshot(session: AsyncSession, name: str) -> None:
    """Queue a job that takes this snapshot, unless one is already queued."""
    lock = f"{TAKE_SNAPSHOT}:{name}"
    try:
        # A job that is already queued is a database error, which would abort the transaction without this savepoint.
        async with session.begin_nested():
            connection = await driver_connection(session)
            task = queue.configure_task(TAKE_SNAPSHOT, queue=JOBS, queueing_lock=lock, connection=connection)
            await task.defer_async(name=name)
    except AlreadyEnqueued:
        return
