"""What workers do besides runs, in their turn or by the clock: procrastinate's jobs, one worker for each.

Runs are not among them: those are claimed from their table (worker/claim.py), and a notification wakes the workers.
"""

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import driver_connection

TAKE_SNAPSHOT = "take_snapshot"
JOBS = "jobs"

queue = App(connector=PsycopgConnector())


async def enqueue_snapshot(session: AsyncSession, name: str) -> None:
    """Tell a worker to take the snapshot of this name, unless one is already told to and has not begun."""
    lock = f"{TAKE_SNAPSHOT}:{name}"
    try:
        # A job that is there already is an error of the database's, which would end the whole transaction. The
        # savepoint is made when the session is first asked for its connection.
        async with session.begin_nested():
            connection = await driver_connection(session)
            task = queue.configure_task(TAKE_SNAPSHOT, queue=JOBS, queueing_lock=lock, connection=connection)
            await task.defer_async(name=name)
    except AlreadyEnqueued:
        return
