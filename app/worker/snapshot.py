"""Taking snapshots: what a worker sees of the outside, kept for the web process."""

import structlog

from app.services import doctor, infrastructure_state, stacks
from app.worker.claim import Tools
from app.worker.examine import Examination
from app.worker.look import look

log = structlog.get_logger()


async def take(tools: Tools, name: str) -> None:
    """Take the snapshot of this name."""
    if name == doctor.SNAPSHOT:
        await _examine(tools)
    elif name == infrastructure_state.SNAPSHOT:
        await _look(tools)
    else:
        log.warning("no such snapshot: a newer release asked for it", snapshot=name)
        return
    log.info("snapshot taken", snapshot=name)


async def _examine(tools: Tools) -> None:
    examination = Examination(tools.settings, tools.database, lambda: tools.roots, tools.compute)
    findings = await examination.findings()
    async with tools.database.sessions.begin() as session:
        await doctor.keep(session, findings, tools.clock())


async def _look(tools: Tools) -> None:
    async with tools.database.sessions() as session:
        stack = await stacks.shared(session)
        outputs = stack.outputs if stack else {}
    seen = await look(outputs, tools.settings, tools.compute)
    async with tools.database.sessions.begin() as session:
        await infrastructure_state.keep(session, outputs, seen, tools.clock())
