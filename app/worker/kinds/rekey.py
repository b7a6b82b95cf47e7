"""Rekey: put the owner's current SSH keys on a machine, without changing anything else."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Run, RunKind
from app.worker.decide import Decision
from app.worker.kinds.base import Kind
from app.worker.kinds.update import Update
from app.worker.kinds.workstation import WorkstationKind
from app.worker.planned import Known, Planned


class Rekey(Update, kind=RunKind.REKEY):
    """A change of SSH keys. It does not wait for a boot, unless a plan that changes more was approved."""

    def reason_to_skip(self, known: Known) -> str:
        """Skip the run if there is no machine."""
        return "There is no machine to update." if known.has_nothing else ""

    async def review(self, planned: Planned) -> Planned:
        """Require approval for anything but SSH keys."""
        decision = Decision(self.claim, self.commands, self.stack_id)
        planned = await decision.of_data_disk(planned)
        await decision.of_keys(planned)
        return planned

    async def reach(self) -> None:
        """Apply the keys on the running machine."""
        await (super().reach() if self.attempt.is_approved else WorkstationKind.reach(self))

    async def finish(self, session: AsyncSession, run: Run) -> str:
        """Leave the workstation's row as it is, unless more than keys was approved."""
        if self.attempt.is_approved:
            return await super().finish(session, run)
        return "The machine now has exactly its owner's SSH keys."

    async def undoing(self, session: AsyncSession, run: Run) -> Kind | None:
        """Restore the previous keys."""
        inputs = await self.previous_inputs(session, run)
        return _KeysBefore(self.attempt.with_inputs(inputs)) if inputs else None


class _KeysBefore(Rekey):
    """The rollback of a change of SSH keys."""

    async def reach(self) -> None:
        await WorkstationKind.reach(self)
