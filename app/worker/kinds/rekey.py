"""Rekey: a machine gets its owner's SSH keys as they are now, in place, and nothing else changes."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Run, RunKind
from app.worker.decide import Decision
from app.worker.kinds.base import Kind
from app.worker.kinds.update import Update
from app.worker.kinds.workstation import WorkstationKind
from app.worker.planned import Known, Planned


class Rekey(Update, kind=RunKind.REKEY):
    """Nobody has to wait for a boot, unless more than keys was approved."""

    def reason_to_skip(self, known: Known) -> str:
        """Where nothing was made."""
        return "There is no machine to update." if known.has_nothing else ""

    async def review(self, planned: Planned) -> Planned:
        """Whoever changes their keys expects nothing else of it."""
        decision = Decision(self.claim, self.commands, self.stack_id)
        planned = await decision.of_data_disk(planned)
        await decision.of_keys(planned)
        return planned

    async def reach(self) -> None:
        """The machine goes on running."""
        await (super().reach() if self.attempt.is_approved else WorkstationKind.reach(self))

    async def finish(self, session: AsyncSession, run: Run) -> str:
        """The row stays as it is."""
        if self.attempt.is_approved:
            return await super().finish(session, run)
        return "The machine now has exactly its owner's SSH keys."

    async def undoing(self, session: AsyncSession, run: Run) -> Kind | None:
        """The keys that were there before."""
        inputs = await self.previous_inputs(session, run)
        return _KeysBefore(self.attempt.with_inputs(inputs)) if inputs else None


class _KeysBefore(Rekey):
    """Rolling back is no less careful."""

    async def reach(self) -> None:
        await WorkstationKind.reach(self)
