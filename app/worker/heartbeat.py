"""The heartbeat of a worker: every few seconds it renews its leases, and finds runs whose worker was lost."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from app.infra import disk
from app.models import Run, RunKind, RunStatus, Worker
from app.services import lifecycle
from app.services.by_hand import checkouts
from app.worker.claim import Tools
from app.worker.folder import folders

log = structlog.get_logger()
BEAT_SECONDS = 2.5
FORGOTTEN_AFTER = timedelta(days=1)


class Heartbeat:
    """The heartbeat of one worker.

    :param run_ids: returns the runs that this process executes.
    """

    def __init__(self, tools: Tools, run_ids: Callable[[], set[str]]) -> None:
        self._tools, self._run_ids = tools, run_ids
        self._reachable_since: datetime | None = None

    async def beat_for_ever(self) -> None:
        """Beat until cancelled. If the database is unavailable, wait for it."""
        while True:
            try:
                await self.beat()
            except OperationalError as error:
                # Leases could not be renewed during the outage, by no worker.
                self._reachable_since = None
                log.warning("heartbeat cannot reach the database", error=str(error.orig))
            await asyncio.sleep(BEAT_SECONDS)

    async def beat(self) -> None:
        """Beat once."""
        now = self._tools.clock()
        self._reachable_since = self._reachable_since or now
        async with self._tools.database.sessions.begin() as session:
            alive = {"seen_at": now, "free_bytes": disk.free_bytes(disk.least_free(folders(self._tools.settings)))}
            await session.execute(update(Worker).where(Worker.id == self._tools.worker_id).values(alive))
            await session.execute(
                update(Run)
                .where(Run.worker_id == self._tools.worker_id, Run.id.in_(self._run_ids()))
                .where(Run.status.in_((RunStatus.PLANNING, RunStatus.APPLYING)))
                .values(lease_until=now + Run.LEASE)
            )
        # After an outage all leases look expired, so other workers get the time to renew theirs.
        if now - self._reachable_since >= Run.LEASE:
            async with self._tools.database.sessions.begin() as session:
                await self._find_interrupted(session, now)
                await session.execute(delete(Worker).where(Worker.seen_at < now - FORGOTTEN_AFTER))

    async def _find_interrupted(self, session: AsyncSession, now: datetime) -> None:
        lost = await session.scalars(
            select(Run)
            .where(Run.status.in_((RunStatus.PLANNING, RunStatus.APPLYING)), Run.lease_until < now)
            # Several workers look for lost runs at the same time.
            .with_for_update(skip_locked=True)
        )
        for run in lost:
            # A checkout has no worker; its lease is the time that it lasts.
            if run.kind is RunKind.MANUAL:
                await checkouts.expire(self._tools.context(session), run)
                continue
            log.warning("run lost its worker", run=run.id, worker=run.worker_id)
            await lifecycle.interrupt(self._tools.context(session), run)
