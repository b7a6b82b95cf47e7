"""Everything that requires an admin's decision."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Run
from app.services import runs
from app.services.allowed_ips import listing
from app.services.runs import stacks


@dataclass(frozen=True)
class AdminInbox:
    """What requires a decision. Falsy if nothing does."""

    allowed_ip_requests: int
    """The number of requested IP ranges."""
    plan: Run | None
    """The run of the shared stack whose plan awaits approval."""
    has_drifted: bool
    """Whether the shared stack has drifted."""

    def __bool__(self) -> bool:
        return bool(self.allowed_ip_requests or self.plan or self.has_drifted)


async def for_admins(session: AsyncSession, now: datetime) -> AdminInbox:
    """Everything that currently requires a decision."""
    requests = await listing.count_requested(session, now)
    stack = await stacks.shared(session)
    pending = await runs.pending(session, stack.id) if stack else []
    plan = next((run for run in pending if run.can_approve), None)
    return AdminInbox(requests, plan, stack is not None and stack.has_drifted)
