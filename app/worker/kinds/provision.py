"""Provision: a machine is made, around a data disk that was kept if there is one."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Run, RunKind, Workstation
from app.services.workstations.impact import Severity
from app.worker.errors import RunFailedError
from app.worker.kinds.base import Kind
from app.worker.kinds.destroy import Destroy
from app.worker.kinds.update import Update
from app.worker.planned import Known, Planned


class Provision(Update, kind=RunKind.PROVISION):
    """A first create has nothing to lose, so it is applied at once."""

    def needs_no_plan(self, known: Known) -> bool:
        """Nothing was ever made."""
        return known.state is None and not known.needs_reconcile

    async def review(self, planned: Planned) -> Planned:
        """What an earlier attempt made has to be what was asked for."""
        if planned.mismatched:
            raise RunFailedError(
                f"{planned.mismatched[0].address} exists at Google for this machine, but not as requested, "
                "and would be replaced. No changes were made."
            )
        return await super().review(planned)

    async def expected_severity(self, session: AsyncSession, workstation: Workstation, run: Run) -> Severity:
        """On a machine that is only being made there is nothing to mind, but for the data disk."""
        return Severity.REPLACES

    async def undoing(self, session: AsyncSession, run: Run) -> Kind | None:
        """Of a machine that never ran, nothing is left; one that came back goes back to its disk."""
        workstation = await session.get_one(Workstation, self.stack_id, with_for_update=True)
        if workstation.running_at is not None:
            return await super().undoing(session, run)
        workstation.begin_undo()
        # A disk that was taken over was there before the run: it stays.
        keep_disk = workstation.adopted_disk is not None
        return Destroy(self.attempt.with_inputs({**self.attempt.inputs, "disk_only": keep_disk}))
