"""Check: the shared stack is compared with Google, and nothing is changed."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Run
from app.worker.kinds.shared import SharedKind


class Check(SharedKind):
    """What differs was changed by somebody else: it raises a notice."""

    is_only_a_plan = True

    @property
    def differs(self) -> bool:
        """The plan was not empty."""
        return bool(self.changes)

    async def finish(self, session: AsyncSession, run: Run) -> str:
        """When it was compared, and with what result."""
        stack = await self.shared_stack(session)
        stack.become_checked(run.id if self.differs else None, self.claim.tools.clock())
        if not self.differs:
            return "Everything is as it was applied."
        return f"{len(self.changes)} resources are not as they were applied: somebody else has changed them."
