"""Provision: create a machine, with a new data disk or a kept one."""

from dataclasses import astuple

from sqlalchemy.ext.asyncio import AsyncSession

from app.infra import hints
from app.models import Run, RunKind, Workstation
from app.models.placement import Placement
from app.services.workstations.impact import Severity
from app.worker import shortage
from app.worker.errors import RunFailedError, StockOutError
from app.worker.kinds.base import Kind
from app.worker.kinds.destroy import Destroy
from app.worker.kinds.update import Update
from app.worker.planned import Known, Planned


class Provision(Update, kind=RunKind.PROVISION):
    """The creation of a machine: where it was requested or, while there is no data to lose, where there is capacity."""

    async def reach(self) -> None:
        """Create it, and wait until it is ready. Raises StockOutError if nothing that it may try has capacity, and
        CapacityAwaitedError if it waits for that."""
        can_move = not await shortage.may_have_files(self.claim)
        failure: StockOutError | None = None
        placement = await shortage.choose(self.claim, can_move=can_move)
        while placement:
            await self._move(placement)
            try:
                await self.change_machine()
            except StockOutError as error:
                failure = error
                await shortage.note(self.claim, error)
            else:
                return
            suggested = hints.zones_elsewhere(str(failure)) or ()
            placement = await shortage.choose(self.claim, can_move=can_move, suggested=suggested)
        if can_move and await shortage.may_wait(self.claim):
            await self._clear()
        await shortage.wait(self.claim, failure, has_changed_anything=not can_move)

    async def _move(self, placement: Placement) -> None:
        inputs = self.attempt.inputs
        if (inputs["zone"], inputs["machine_type"], inputs["spot"]) != astuple(placement):
            # The disk and the address that were created belong to a zone and a region.
            await self._clear()
            self.attempt = await shortage.move(self.attempt, placement)

    async def _clear(self) -> None:
        """Delete what was created so far: a disk without files."""
        await Destroy(self.attempt.with_inputs({**self.attempt.inputs, "disk_only": False})).reach()

    def needs_no_plan(self, known: Known) -> bool:
        """Whether nothing exists yet, so that a plan could show no loss."""
        return (known.state is None or known.state.is_empty) and not known.needs_reconcile

    async def review(self, planned: Planned) -> Planned:
        """Refuse to replace resources of an earlier attempt that are not as requested."""
        if planned.mismatched:
            raise RunFailedError(
                f"{planned.mismatched[0].address} exists at Google for this machine, but not as requested, "
                "and would be replaced. No changes were made."
            )
        return await super().review(planned)

    async def expected_severity(self, session: AsyncSession, workstation: Workstation, run: Run) -> Severity:
        """The effect that the requester expects: on a machine that is being created, anything is fine."""
        return Severity.REPLACES

    async def finish(self, session: AsyncSession, run: Run) -> str:
        """Record the machine, and that there was capacity for it."""
        sentence = await super().finish(session, run)
        await shortage.note_found(self.claim, session, run)
        return sentence

    async def undoing(self, session: AsyncSession, run: Run) -> Kind | None:
        """Delete a machine that never ran. A machine that was created for a kept disk is deleted without its disk."""
        workstation = await session.get_one(Workstation, self.stack_id, with_for_update=True)
        if workstation.running_at is not None:
            return await super().undoing(session, run)
        workstation.begin_undo()
        # A disk that was adopted existed before the run, so it is kept.
        keep_disk = workstation.adopted_disk is not None
        return Destroy(self.attempt.with_inputs({**self.attempt.inputs, "disk_only": keep_disk}))
