"""Takes snapshots of the outside world, which the web process shows."""

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
    """Take the snapshot with this name. If Google does not answer, the previous one is kept."""
    taker = partial(read_console, name=name) if name.startswith(consoles.PREFIX) else _SNAPSHOTS.get(name)
    # During an upgrade, the web process may be newer than this worker.
    if taker is None:
        log.warning("unknown snapshot, requested by a newer release", snapshot=name)
        return
    try:
        await taker(tools)
    except GOOGLE_ERRORS as error:
        log.warning("snapshot failed", snapshot=name, error=str(error))
    else:
        log.info("snapshot taken", snapshot=name)


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


_SNAPSHOTS = {
    doctor.SNAPSHOT: _examine,
    infrastructure_state.SNAPSHOT: _observe_shared,
    availability.SNAPSHOT: _take_inventory,
    orphans.SNAPSHOT: _find_orphans,
}
DAILY_SNAPSHOTS = (doctor.SNAPSHOT, availability.SNAPSHOT, orphans.SNAPSHOT)
"""Snapshots that are taken every day, besides on request."""
