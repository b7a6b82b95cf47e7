"""The scheduled and requested jobs of a worker, each of which one of the workers executes."""

import asyncio

import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException

from app import db
from app.db import RECONNECT_SECONDS, Database
from app.queue import CARRY_OUT_BULK_ACTION, DELETE_SNAPSHOTS, INSPECT, JOBS
from app.services.shared import infrastructure_state
from app.worker import bulk_actions, periodic, snapshots
from app.worker.claim import Tools
from app.worker.inspections import DAILY_INSPECTIONS, take

log = structlog.get_logger()
DAILY = "17 4 * * *"
"""When inspections are made without a request, in cron's format and UTC."""
OFTEN = "*/5 * * * *"
"""When the status of the shared infrastructure is read."""
EACH_MINUTE = "* * * * *"
JOBS_AT_ONCE = 4
POLL_SECONDS = 0.5
"""How often the queue is polled: procrastinate misses one in a few hundred notifications."""


def of_worker(tools: Tools) -> App:
    """The scheduled and requested jobs. Each is executed by one of the workers."""
    app = App(connector=PsycopgConnector(conninfo=db.libpq_url(tools.settings.database_url), max_size=4))

    @app.periodic(cron=DAILY)
    @app.task(name="make_daily_inspections", queue=JOBS)
    async def make_daily_inspections(timestamp: int) -> None:
        """Make inspections every day."""
        for name in DAILY_INSPECTIONS:
            await take(tools, name)

    @app.periodic(cron=OFTEN)
    @app.task(name="make_frequent_inspections", queue=JOBS)
    async def make_frequent_inspections(timestamp: int) -> None:
        """Make an inspection of the shared infrastructure's status every few minutes."""
        await take(tools, infrastructure_state.INSPECTION)

    # The lock: if all workers are busy for a long time, these jobs do not pile up.
    @app.periodic(cron=EACH_MINUTE)
    @app.task(name="do_periodic_work", queue=JOBS, queueing_lock="do_periodic_work")
    async def do_periodic_work(timestamp: int) -> None:
        """Do the periodic work every minute."""
        await periodic.do(tools)

    @app.task(name=INSPECT, queue=JOBS)
    async def inspect(name: str) -> None:
        """Make an inspection that somebody requested."""
        await take(tools, name)

    @app.task(name=CARRY_OUT_BULK_ACTION, queue=JOBS)
    async def carry_out_bulk_action(action_id: str) -> None:
        """Make the runs that somebody requested for many workstations."""
        await bulk_actions.carry_out(tools, action_id)

    @app.task(name=DELETE_SNAPSHOTS, queue=JOBS)
    async def delete_snapshots() -> None:
        """Delete the snapshots that are to be deleted."""
        await snapshots.delete(tools)

    return app


async def run_for_ever(jobs: App, database: Database) -> None:
    """Execute jobs until cancelled. Wait while the database is unreachable."""
    while True:
        try:
            await jobs.run_worker_async(
                queues=[JOBS],
                concurrency=JOBS_AT_ONCE,
                fetch_job_polling_interval=POLL_SECONDS,
                install_signal_handlers=False,
                delete_jobs="always",
            )
        except ConnectorException as error:
            log.warning("jobs cannot be executed, will try again", error=str(error))
        # procrastinate ends with any connection that it loses, with or without an error.
        await asyncio.sleep(RECONNECT_SECONDS)
        await database.wait_until_reachable()
