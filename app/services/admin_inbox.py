"""What waits for an admin, wherever it is to be decided."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Run
from app.services import runs, stacks
from app.services.allowed_ips import listing


@dataclass(frozen=True)
class Waiting:
    """What nobody but an admin can bring on; falsy when there is nothing."""

    asks: int
    """So many addresses ask to be let in."""
    plan: Run | None
    """The shared stack's run whose plan is to be approved or discarded."""
    has_drifted: bool
    """The shared stack was found to differ from what Google has."""

    def __bool__(self) -> bool:
        return bool(self.asks or self.plan or self.has_drifted)


async def for_admins(session: AsyncSession, now: datetime) -> Waiting:
    """All of it."""
    asked = await listing.count_asked(session, now)
    stack = await stacks.shared(session)
    pending = await runs.pending(session, stack.id) if stack else []
    plan = next((run for run in pending if run.can_approve), None)
    return Waiting(asked, plan, stack is not None and stack.has_drifted)
