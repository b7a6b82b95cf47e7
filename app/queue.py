"""The job queue (procrastinate) for everything that workers do besides runs, on request or on a schedule.

Runs are claimed from their own table (worker/claim.py) when a notification arrives.
"""

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import driver_connection

INSPECT = "inspect"
DELETE_SNAPSHOTS = "delete_snapshots"
CARRY_OUT_BULK_ACTION = "carry_out_bulk_action"
JOBS = "jobs"

queue = App(connector=PsycopgConnector())


async def enqueue_inspection(session: AsyncSession, name: str) -> None:
    """Queue a job that takes this inspection, unless one is already queued."""
    await _enqueue(session, INSPECT, name, name=name)


async def enqueue_snapshot_deletions(session: AsyncSession) -> None:
    """Queue a job that deletes the snapshots that are to be deleted, unless one is already queued."""
    await _enqueue(session, DELETE_SNAPSHOTS, "all")


async def enqueue_bulk_action(session: AsyncSession, action_id: str) -> None:
    """Queue a job that carries out this bulk action, unless one is already queued."""
    await _enqueue(session, CARRY_OUT_BULK_ACTION, action_id, action_id=action_id)


async def _enqueue(session: AsyncSession, task: str, about: str, **arguments: str) -> None:
    lock = f"{task}:{about}"
    try:
        # A job that is already queued is a database error, which would abort the transaction without this savepoint.
        async with session.begin_nested():
            connection = await driver_connection(session)
            deferrer = queue.configure_task(task, queue=JOBS, queueing_lock=lock, connection=connection)
            await deferrer.defer_async(**arguments)
    except AlreadyEnqueued:
        return
