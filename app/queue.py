"""The doorbell: procrastinate carries a run's id to a worker, enqueued in the same transaction as the row it is about.

A snapshot that somebody asks for goes the same way.

It gives no lock, no priority and no retry: those are the run's own (models/run.py). See docs/adr.
"""

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import driver_connection

EXECUTE_RUN = "execute_run"
TAKE_SNAPSHOT = "take_snapshot"
RUNS = "runs"

queue = App(connector=PsycopgConnector())


def queue_of(host: str) -> str:
    """The queue that only the workers of one host listen to."""
    return f"{RUNS}-{host}"


async def enqueue(session: AsyncSession, run_id: str, host: str | None = None) -> None:
    """Tell the workers (of that host) of a run, when (and only if) this session's transaction commits."""
    connection = await driver_connection(session)
    where = queue_of(host) if host else RUNS
    await queue.configure_task(EXECUTE_RUN, queue=where, connection=connection).defer_async(run_id=run_id)


async def ask_for_snapshot(session: AsyncSession, name: str) -> None:
    """Tell a worker to take the snapshot of this name, unless one is already told to and has not begun."""
    lock = f"{TAKE_SNAPSHOT}:{name}"
    try:
        # A job that is there already is an error of the database's, which would end the whole transaction. The
        # savepoint is made when the session is first asked for its connection.
        async with session.begin_nested():
            connection = await driver_connection(session)
            task = queue.configure_task(TAKE_SNAPSHOT, queue=RUNS, queueing_lock=lock, connection=connection)
            await task.defer_async(name=name)
    except AlreadyEnqueued:
        return
