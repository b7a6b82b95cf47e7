"""Reads the reports of running machines now and then, so that their pages are up to date."""

import asyncio
from datetime import datetime, timedelta

import structlog
from sqlalchemy import or_, select
from sqlalchemy.exc import OperationalError

from app import live
from app.models import Workstation, WorkstationStatus
from app.worker.claim import Tools
from app.worker.errors import GOOGLE_ERRORS
from app.worker.readiness import report_of

log = structlog.get_logger()
TICK_SECONDS = 5.0
WELL = timedelta(seconds=60)
"""How often a healthy machine is read; it reports no more often."""
NOT_WELL = timedelta(seconds=5)
"""How often another one is read: somebody is probably repairing it."""
AT_ONCE = 20


class Watch:
    """Reads machine reports. Workers share the work: each takes the machines that were not read for a while."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def watch_for_ever(self) -> None:
        """Read reports until cancelled. If the database is unavailable, wait for it."""
        while True:
            try:
                await self._tools.database.wait_until_reachable()
                await self.observe()
            except OperationalError as error:
                log.warning("the watch cannot reach the database", error=str(error.orig))
            await asyncio.sleep(TICK_SECONDS)

    async def observe(self) -> None:
        """Read the report of each machine that is due."""
        await asyncio.gather(*(self._read_report(*machine) for machine in await self._take_due()))

    async def _take_due(self) -> list[tuple[str, str, str]]:
        """ID, zone and name of the machines that are due, which are marked as read."""
        now = self._tools.clock()
        query = (
            select(Workstation)
            .where(Workstation.status == WorkstationStatus.RUNNING)
            .where(or_(Workstation.reported_at.is_(None), Workstation.reported_at < now - NOT_WELL))
            # Those that were not read for the longest time come first.
            .order_by(Workstation.reported_at.nulls_first())
            .with_for_update(skip_locked=True)
        )
        async with self._tools.database.sessions.begin() as session:
            due = [each for each in await session.scalars(query) if _is_due(each, now)][:AT_ONCE]
            for workstation in due:
                workstation.reported_at = now
            return [(each.id, each.zone, each.resource_name) for each in due]

    async def _read_report(self, workstation_id: str, zone: str, instance: str) -> None:
        try:
            report = await report_of(self._tools.compute, zone, instance)
        except GOOGLE_ERRORS as error:
            log.warning("a machine's report could not be read", workstation=workstation_id, error=str(error))
            return
        async with self._tools.database.sessions.begin() as session:
            workstation = await session.get_one(Workstation, workstation_id, with_for_update=True)
            # It may have been stopped or deleted while Google was asked.
            if workstation.is_running and workstation.record_report(report, self._tools.clock()):
                await live.signal(session, live.stack_topic(workstation_id))


def _is_due(workstation: Workstation, now: datetime) -> bool:
    last = workstation.reported_at
    return last is None or not workstation.machine.is_well or last < now - WELL
