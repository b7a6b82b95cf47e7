"""Update: a machine becomes what its owner changed of it."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Run, Workstation
from app.services.workstations import impact, specs
from app.services.workstations.impact import Severity
from app.worker.kinds.base import Kind
from app.worker.kinds.workstation import MachineKind, WorkstationKind
from app.worker.readiness import place_of


class Update(MachineKind, WorkstationKind):
    """Plan and apply, then wait for the machine."""

    async def reach(self) -> None:
        """Until ssh answers."""
        await WorkstationKind.reach(self)
        await self.wait_until_ready(await place_of(self.claim, self.stack_id))

    async def asked(self, session: AsyncSession, workstation: Workstation, run: Run) -> Severity:
        """What the page said before: it is computed of the same columns."""
        before = specs.columns(workstation)
        effects = impact.of(before, before | run.changes, has_snapshot=workstation.snapshot is not None)
        return max((effect.severity for effect in effects), default=Severity.IN_PLACE)

    async def finish(self, session: AsyncSession, run: Run) -> str:
        """What differed at Google is as it was applied."""
        sentence = await super().finish(session, run)
        (await session.get_one(Workstation, self.stack_id)).become_checked(None, self.claim.tools.clock())
        return sentence

    async def undoing(self, session: AsyncSession, run: Run) -> Kind | None:
        """Back to what was reached before it."""
        inputs = await self.previous_inputs(session, run)
        return RollBack(self.attempt.with_inputs(inputs)) if inputs else None


class RollBack(WorkstationKind):
    """What was reached before comes back; the machine is not waited for."""

    async def asked(self, session: AsyncSession, workstation: Workstation, run: Run) -> Severity:
        """Whoever cancels wants the machine as it was, whatever that takes."""
        return Severity.REPLACES
