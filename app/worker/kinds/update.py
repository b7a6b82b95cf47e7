"""Update: a machine becomes what its owner changed of it."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Run
from app.worker.kinds.base import Kind
from app.worker.kinds.workstation import MachineKind, WorkstationKind
from app.worker.readiness import place_of


class Update(MachineKind, WorkstationKind):
    """Plan and apply, then wait for the machine."""

    async def reach(self) -> None:
        """Until ssh answers."""
        await WorkstationKind.reach(self)
        await self.wait_until_ready(await place_of(self.claim, self.stack_id))

    async def undoing(self, session: AsyncSession, run: Run) -> Kind | None:
        """Back to what was reached before it."""
        inputs = await self.previous_inputs(session, run)
        return RollBack(self.attempt.with_inputs(inputs)) if inputs else None


class RollBack(WorkstationKind):
    """What was reached before comes back; the machine is not waited for."""
