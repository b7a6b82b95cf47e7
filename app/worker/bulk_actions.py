"""Carries out actions on many workstations: makes a run for each, one by one."""

import structlog

from app.services.workstations import bulk
from app.worker.claim import Tools

log = structlog.get_logger()


async def carry_out(tools: Tools, action_id: str) -> None:
    """Until no workstation of it waits. What another worker has done of it is not done again."""
    requested = 0
    while await _next(tools, action_id):
        requested += 1
    log.info("bulk action requested for all", bulk_action=action_id, by_this_job=requested)


async def _next(tools: Tools, action_id: str) -> bool:
    async with tools.database.sessions.begin() as session:
        return await bulk.request_next(tools.context(session), action_id)
