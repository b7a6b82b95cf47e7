"""Configure: the shared stack becomes what admins chose."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Root, Run, RunKind
from app.services import snapshots
from app.services.shared import infrastructure_state
from app.services.terraform import state_versions
from app.worker.kinds.shared import SharedKind


class Configure(SharedKind, kind=RunKind.CONFIGURE, root=Root.SHARED):
    """Planned, decided by somebody, never undone by itself."""

    async def finish(self, session: AsyncSession, run: Run) -> str:
        """Its outputs are for everybody to see."""
        state = await state_versions.newest(session, self.claim.tools.vault, self.stack_id)
        stack = await self.shared_stack(session)
        stack.take(run.changes)
        stack.become_ready(state.open_outputs if state else {}, self.claim.tools.clock())
        await snapshots.request(session, infrastructure_state.SNAPSHOT)
        return "The shared stack is up to date."
