"""Configure: apply the desired settings of the shared stack."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Root, Run, RunKind
from app.services import inspections
from app.services.shared import infrastructure_state
from app.services.terraform import state_versions
from app.worker.kinds.shared import SharedKind


class Configure(SharedKind, kind=RunKind.CONFIGURE, root=Root.SHARED):
    """A change of the shared stack. It requires approval, and is not rolled back."""

    async def finish(self, session: AsyncSession, run: Run) -> str:
        """Store the settings, and the outputs that members may see."""
        state = await state_versions.newest(session, self.claim.tools.vault, self.stack_id)
        stack = await self.shared_stack(session)
        stack.take(run.changes)
        stack.become_ready(state.open_outputs if state else {}, self.claim.tools.clock())
        await inspections.request(session, infrastructure_state.INSPECTION)
        return "The shared stack is up to date."
