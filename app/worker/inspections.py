"""Makes inspections of the outside world, which the web process shows."""

from functools import partial

import structlog

from app.services import doctor
from app.services.catalog import availability
from app.services.runs import stacks
from app.services.shared import infrastructure_state
from app.services.terraform import orphans
from app.services.workstations import consoles
from app.worker.claim import Tools
from app.worker.console import read_console
from app.worker.errors import GOOGLE_ERRORS
from app.worker.examine import Examination
from app.worker.inventory import take_inventory
from app.worker.observe_shared import observe

log = structlog.get_logger()


async def take(tools: Tools, name: str) -> None:
    """Make the inspection with this name. If Google does not answer, the previous one is kept."""
    taker = partial(read_console, name=name) if name.startswith(consoles.PREFIX) else _INSPECTIONS.get(name)
    # During an upgrade, the web process may be newer than this worker.
    if taker is None:
        log.warning("unknown inspection, requested by a newer release", inspection=name)
        return
    try:
        await taker(tools)
    except GOOGLE_ERRORS as error:
        log.warning("inspection failed", inspection=name, error=str(error))
    else:
        log.info("inspection made", inspection=name)


async def _examine(tools: Tools) -> None:
    examination = Examination(tools.settings, tools.database, lambda: tools.roots, tools.compute)
    findings = await examination.findings()
    async with tools.database.sessions.begin() as session:
        await doctor.keep(session, findings, tools.clock())


async def _observe_shared(tools: Tools) -> None:
    async with tools.database.sessions() as session:
        stack = await stacks.shared(session)
        # The transaction ends before Google is asked, which may take seconds.
        outputs = stack.outputs if stack else {}
    seen = await observe(outputs, tools.settings, tools.compute)
    async with tools.database.sessions.begin() as session:
        await infrastructure_state.keep(session, outputs, seen, tools.clock())


async def _take_inventory(tools: Tools) -> None:
    found = await take_inventory(tools.compute, tools.catalog)
    async with tools.database.sessions.begin() as session:
        await found.keep(session, tools.clock())


async def _find_orphans(tools: Tools) -> None:
    found = await orphans.find(tools.database, tools.vault, tools.compute)
    async with tools.database.sessions.begin() as session:
        await orphans.keep(session, found, tools.clock())


_INSPECTIONS = {
    doctor.INSPECTION: _examine,
    infrastructure_state.INSPECTION: _observe_shared,
    availability.INSPECTION: _take_inventory,
    orphans.INSPECTION: _find_orphans,
}
DAILY_INSPECTIONS = (doctor.INSPECTION, availability.INSPECTION, orphans.INSPECTION)
"""Inspections that are made every day, besides on request."""
