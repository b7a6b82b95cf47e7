"""What the portal decides by itself, looked at once a minute: times that are over, and a comparison that is due."""

import structlog

from app.services import allowed_ips, shared_stack
from app.worker.claim import Tools

log = structlog.get_logger()


async def do(tools: Tools) -> None:
    """All of it, each in a transaction of its own."""
    async with tools.database.sessions.begin() as session:
        for ip in await allowed_ips.expire(session, tools.settings, tools.clock()):
            log.info("allowed IP expired", cidr=ip.cidr, owner=ip.owner_id)
    async with tools.database.sessions.begin() as session:
        run = await shared_stack.check_if_due(session, tools.clock())
        if run:
            log.info("comparing the shared stack with Google", run=run.id)
