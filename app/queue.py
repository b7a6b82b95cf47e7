"""The doorbell: procrastinate carries a run's id to a worker, enqueued in the same transaction as the row it is about.

It gives no lock, no priority and no retry: those are the run's own (models/run.py). See docs/adr.
"""

from procrastinate import App, PsycopgConnector
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import driver_connection

EXECUTE_RUN = "execute_run"
RUNS = "runs"

queue = App(connector=PsycopgConnector())


def queue_of(host: str) -> str:
    """The queue that only the workers of one host listen to."""
    return f"{RUNS}-{host}"


async def ring(session: AsyncSession, run_id: str, host: str | None = None) -> None:
    """Tell the workers (of that host) of a run, when (and only if) this session's transaction commits."""
    connection = await driver_connection(session)
    where = queue_of(host) if host else RUNS
    await queue.configure_task(EXECUTE_RUN, queue=where, connection=connection).defer_async(run_id=run_id)
