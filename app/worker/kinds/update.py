"""Update: a machine becomes what its owner changed of it."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.infra.machines import Power
from app.models import Run, RunKind, Workstation
from app.services.workstations import impact, specs
from app.services.workstations.impact import Severity
from app.worker.errors import GOOGLE_ERRORS, RunFailedError, TransientError, is_transient
from app.worker.kinds.base import Kind
from app.worker.kinds.order import give_order
from app.worker.kinds.workstation import MachineKind, WorkstationKind
from app.worker.readiness import Place, place_of
from app.worker.retry import retry


class Update(MachineKind, WorkstationKind, kind=RunKind.UPDATE):
    """Plan and apply, then wait for the machine."""

    async def reach(self) -> None:
        """Until ssh answers; a machine that was off stays off, one that ran runs again, whatever becomes of the run."""
        try:
            await WorkstationKind.reach(self)
        except RunFailedError as failure:
            await self._switch_on_after(failure)
            raise
        if await retry(self.claim, self.commands, self._is_on):
            await self.wait_until_ready(await place_of(self.claim, self.stack_id))

    async def _switch_on_after(self, failure: RunFailedError) -> None:
        try:
            await self._is_on()
        except (RunFailedError, TransientError) as error:
            raise RunFailedError(f"{failure}\n\nThe machine could not be started again:\n{error}") from failure

    async def _is_on(self) -> bool:
        """Whether the machine is on, or is not to be. Google may have left one off that it had to stop for a change."""
        async with self.claim.tools.database.sessions() as session:
            workstation = await session.get_one(Workstation, self.stack_id)
        place = Place(workstation.zone, workstation.resource_name, workstation.address or "")
        try:
            machine = await self.claim.tools.compute.machine(place.zone, place.instance)
        except GOOGLE_ERRORS as error:
            raise (TransientError if is_transient(error) else RunFailedError)(str(error)) from error
        if machine is None or not machine.is_off:
            return True
        if workstation.was_off:
            return False
        await self.claim.log(f"{place.instance} is stopped after the change. Starting it again.")
        await give_order(self.claim, Power.START, place)
        return True

    async def expected_severity(self, session: AsyncSession, workstation: Workstation, run: Run) -> Severity:
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

    async def expected_severity(self, session: AsyncSession, workstation: Workstation, run: Run) -> Severity:
        """Whoever cancels wants the machine as it was, whatever that takes."""
        return Severity.REPLACES
