"""Looks at running machines now and then: what they report, and whether SSH answers."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import or_, select
from sqlalchemy.exc import OperationalError

from app import live
from app.infra import ssh
from app.models import Workstation, WorkstationStatus
from app.models.machine_report import MachineReport
from app.services.workstations import reports
from app.worker.claim import Tools
from app.worker.errors import GOOGLE_ERRORS
from app.worker.readiness import report_of

log = structlog.get_logger()
TICK_SECONDS = 5.0
WELL = timedelta(seconds=60)
"""How often a machine is looked at; it reports no more often."""
NOT_WELL = timedelta(seconds=5)
"""How often one that has not booted, or is without its data disk: somebody is probably repairing it."""
AT_ONCE = 20


@dataclass(frozen=True)
class _Due:
    """A machine to look at."""

    id: str
    zone: str
    instance: str
    address: str | None


class Watch:
    """Looks at machines. Workers share the work: each takes the machines that were not looked at for a while."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def watch_for_ever(self) -> None:
        """Look until cancelled. If the database is unavailable, wait for it."""
        while True:
            try:
                await self._tools.database.wait_until_reachable()
                await self.observe()
            except OperationalError as error:
                log.warning("the watch cannot reach the database", error=str(error.orig))
            await asyncio.sleep(TICK_SECONDS)

    async def observe(self) -> None:
        """Look at each machine that is due: its report, and whether SSH answers."""
        await asyncio.gather(*(self._look(machine) for machine in await self._take_due()))

    async def _take_due(self) -> list[_Due]:
        """The machines that are due, which are marked as asked."""
        now = self._tools.clock()
        query = (
            select(Workstation)
            .where(Workstation.status == WorkstationStatus.RUNNING)
            .where(or_(Workstation.asked_at.is_(None), Workstation.asked_at < now - NOT_WELL))
            # Those that were not asked for the longest time come first.
            .order_by(Workstation.asked_at.nulls_first())
            .with_for_update(skip_locked=True)
        )
        async with self._tools.database.sessions.begin() as session:
            due = [each for each in await session.scalars(query) if _is_due(each, now)][:AT_ONCE]
            for workstation in due:
                workstation.asked_at = now
            return [_Due(each.id, each.zone, each.resource_name, each.address) for each in due]

    async def _look(self, machine: _Due) -> None:
        report, answers = await asyncio.gather(self._report(machine), self._answers(machine))
        async with self._tools.database.sessions.begin() as session:
            workstation = await session.get_one(Workstation, machine.id, with_for_update=True)
            # It may have been stopped or deleted meanwhile.
            if not workstation.is_running:
                return
            level = workstation.health_level
            if answers is not None:
                workstation.record_probe(self._tools.clock(), answers=answers)
            is_new = report is not None and await reports.record(self._tools.context(session), workstation, report)
            if is_new or workstation.health_level is not level:
                await live.signal(session, live.stack_topic(machine.id))
            if workstation.health_level is not level:
                await live.signal(session, live.member_topic(workstation.owner_id))

    async def _report(self, machine: _Due) -> MachineReport | None:
        """None if Google does not say."""
        try:
            return await report_of(self._tools.compute, machine.zone, machine.instance)
        except GOOGLE_ERRORS as error:
            log.warning("a machine's report could not be read", workstation=machine.id, error=str(error))
            return None

    async def _answers(self, machine: _Due) -> bool | None:
        """Whether SSH answers; None for a machine without an address that workers could reach."""
        if machine.address is None:
            return None
        return await ssh.answers(machine.address, self._tools.settings.ssh_port)


def _is_due(workstation: Workstation, now: datetime) -> bool:
    last = workstation.asked_at
    return last is None or not workstation.machine.is_well or last < now - WELL
