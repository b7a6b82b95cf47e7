"""Everything that requires an admin's decision."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.models import Run, Workstation
from app.services import runs
from app.services.allowed_ips import listing
from app.services.context import Context
from app.services.runs import stacks
from app.services.workstations import lifetimes


@dataclass(frozen=True)
class AdminInbox:
    """What requires a decision. Falsy if nothing does."""

    allowed_ip_requests: int
    """The number of requested IP ranges."""
    plan: Run | None
    """The run of the shared stack whose plan awaits approval."""
    has_drifted: bool
    """Whether the shared stack has drifted."""
    dormant: Sequence[Workstation]
    """Machines that nobody has started for long."""
    unattended: Sequence[Workstation]
    """Machines that end soon while their owner is disabled or away."""

    def __bool__(self) -> bool:
        return bool(self.allowed_ip_requests or self.plan or self.has_drifted or self.dormant or self.unattended)


async def for_admins(ctx: Context) -> AdminInbox:
    """Everything that currently requires a decision."""
    session = ctx.session
    requests = await listing.count_requested(session, ctx.now)
    stack = await stacks.shared(session)
    pending = await runs.pending(session, stack.id) if stack else []
    plan = next((run for run in pending if run.can_approve), None)
    has_drifted = stack is not None and stack.has_drifted
    return AdminInbox(requests, plan, has_drifted, await lifetimes.dormant(ctx), await lifetimes.unattended(ctx))
