"""Check: compare a stack with Google without changing anything."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Root, Run, RunKind
from app.services.runs import stacks
from app.worker.kinds.shared import SharedKind
from app.worker.kinds.terraform import TerraformKind
from app.worker.kinds.workstation import WorkstationKind


class _Check(TerraformKind):
    """A check. Differences that it finds were made outside the portal."""

    is_only_a_plan = True

    @property
    def differs(self) -> bool:
        """Whether the plan was not empty."""
        return bool(self.changes)

    async def finish(self, session: AsyncSession, run: Run) -> str:
        """Record the time and the result of the check."""
        subject = await stacks.subject(session, self.stack_id, lock=True)
        # Without differences, a notice about earlier drift disappears.
        subject.become_checked(run.id if self.differs else None, self.claim.tools.clock())
        if not self.differs:
            return "No drift: everything is as last applied."
        return f"{len(self.changes)} resources have drifted: they were changed outside the portal."


class CheckWorkstation(_Check, WorkstationKind, kind=RunKind.CHECK):
    """A check of a workstation."""


class CheckShared(_Check, SharedKind, kind=RunKind.CHECK, root=Root.SHARED):
    """A check of the shared stack."""
