"""Check: a stack is compared with Google, and nothing is changed."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Root, Run, RunKind
from app.services.runs import stacks
from app.worker.kinds.shared import SharedKind
from app.worker.kinds.terraform import TerraformKind
from app.worker.kinds.workstation import WorkstationKind


class _Check(TerraformKind):
    """What differs was changed by somebody else: it raises a notice."""

    is_only_a_plan = True

    @property
    def differs(self) -> bool:
        """The plan was not empty."""
        return bool(self.changes)

    async def finish(self, session: AsyncSession, run: Run) -> str:
        """When it was compared, and with what result."""
        subject = await stacks.subject(session, self.stack_id, lock=True)
        subject.become_checked(run.id if self.differs else None, self.claim.tools.clock())
        if not self.differs:
            return "No drift: everything is as last applied."
        return f"{len(self.changes)} resources have drifted: they were changed outside the portal."


class CheckWorkstation(_Check, WorkstationKind, kind=RunKind.CHECK):
    """Of a workstation."""


class CheckShared(_Check, SharedKind, kind=RunKind.CHECK, root=Root.SHARED):
    """Of the shared stack."""
