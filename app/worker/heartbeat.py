"""What a worker does every few seconds: say that it is alive, keep its leases, and find what was left behind."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from app import queue
from app.models import Run, RunKind, RunStatus, Worker
from app.services import runs
from app.services.by_hand import checkouts
from app.worker.claim import Tools

log = structlog.get_logger()
BEAT_SECONDS = 2.5
WITHOUT_JOB_AFTER = timedelta(seconds=10)
"""A queued run this old has lost its doorbell if its worker died between hearing it and claiming it."""
FORGOTTEN_AFTER = timedelta(days=1)

TIDY_AFTER = timedelta(minutes=1)

_WITHOUT_JOB = text(
    """
    SELECT runs.id FROM runs
    WHERE (runs.status = 'queued' OR runs.status = 'interrupted' AND coalesce(runs.lease_until < :now, true)
           OR runs.status = 'awaiting_approval' AND runs.approved_at IS NOT NULL)
      AND runs.created_at < :before
      AND NOT EXISTS (SELECT 1 FROM runs AS other WHERE other.stack_id = runs.stack_id AND other.id <> runs.id
                      AND other.status IN ('planning', 'awaiting_approval', 'applying', 'interrupted'))
      AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs AS job
                      WHERE job.status = 'todo' AND job.task_name = :task AND job.queue_name = :queue
                        AND job.args ->> 'run_id' = runs.id)
    """
)
_JOBS_OF_ENDED_RUNS = text(
    """
    DELETE FROM procrastinate_jobs AS job USING runs
    WHERE job.task_name = :task AND job.status IN ('todo', 'doing') AND job.args ->> 'run_id' = runs.id
      AND runs.finished_at < :before
    """
)
"""Doorbells of workers that died, and of hosts that nobody came back to."""


class Active:
    """The runs that this process executes. A second doorbell for one may come and go while the first is answered."""

    def __init__(self) -> None:
        self._heard: Counter[str] = Counter()

    @contextmanager
    def executing(self, run_id: str) -> Iterator[None]:
        """The run is active, and so its lease renewed, while this lasts."""
        self._heard[run_id] += 1
        try:
            yield
        finally:
            self._heard[run_id] -= 1
            self._heard = +self._heard

    @property
    def run_ids(self) -> set[str]:
        """All of them."""
        return set(self._heard)


class Heartbeat:
    """One worker's beat. `active` are the runs that this process executes."""

    def __init__(self, tools: Tools, active: Active) -> None:
        self._tools, self._active = tools, active
        self._reachable_since: datetime | None = None

    async def beat_for_ever(self) -> None:
        """Beat until cancelled. A database that is away is waited for."""
        while True:
            try:
                await self.beat()
            except OperationalError as error:
                self._reachable_since = None
                log.warning("heartbeat cannot reach the database", error=str(error.orig))
            await asyncio.sleep(BEAT_SECONDS)

    async def beat(self) -> None:
        """One beat."""
        now = self._tools.clock()
        self._reachable_since = self._reachable_since or now
        async with self._tools.database.sessions.begin() as session:
            await session.execute(update(Worker).where(Worker.id == self._tools.worker_id).values(seen_at=now))
            await session.execute(
                update(Run)
                .where(Run.worker_id == self._tools.worker_id, Run.id.in_(self._active.run_ids))
                .where(Run.status.in_((RunStatus.PLANNING, RunStatus.APPLYING)))
                .values(lease_until=now + Run.LEASE)
            )
        # After an outage everybody's lease looks expired: give all the time to renew theirs.
        if now - self._reachable_since >= Run.LEASE:
            async with self._tools.database.sessions.begin() as session:
                await self._find_interrupted(session, now)
                await self._find_without_job(session, now)
                tidy = {"task": queue.EXECUTE_RUN, "before": now - TIDY_AFTER}
                await session.execute(_JOBS_OF_ENDED_RUNS, tidy)
                await session.execute(delete(Worker).where(Worker.seen_at < now - FORGOTTEN_AFTER))

    async def _find_interrupted(self, session: AsyncSession, now: datetime) -> None:
        lost = await session.scalars(
            select(Run)
            .where(Run.status.in_((RunStatus.PLANNING, RunStatus.APPLYING)), Run.lease_until < now)
            .with_for_update(skip_locked=True)
        )
        for run in lost:
            if run.kind is RunKind.MANUAL:
                await checkouts.expire(session, run, now)
                continue
            log.warning("run lost its worker", run=run.id, worker=run.worker_id)
            run.interrupt(now)
            await queue.enqueue(session, run.id, run.host)
            await runs.announce(session, run)

    async def _find_without_job(self, session: AsyncSession, now: datetime) -> None:
        names = {"task": queue.EXECUTE_RUN, "queue": queue.RUNS}
        unheard = await session.scalars(_WITHOUT_JOB, {**names, "now": now, "before": now - WITHOUT_JOB_AFTER})
        for run_id in list(unheard):
            log.warning("run had no doorbell", run=run_id)
            await queue.enqueue(session, run_id)
