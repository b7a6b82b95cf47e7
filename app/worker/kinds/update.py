"""Update: change an existing machine."""

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
    """A change of a machine: plan, apply, and wait until it is ready."""

    async def reach(self) -> None:
        """Apply the change. A machine that was running runs again afterwards, even if the run fails; a stopped one
        stays stopped."""
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
        """Whether the machine is running. If a change has left it stopped, start it again, unless it was stopped
        before."""
        async with self.claim.tools.database.sessions() as session:
            workstation = await session.get_one(Workstation, self.stack_id)
        place = Place(workstation.zone, workstation.resource_name, workstation.address or "")
        try:
            machine = await self.claim.tools.compute.machine(place.zone, place.instance)
        except GOOGLE_ERRORS as error:
            raise (TransientError if is_transient(error) else RunFailedError)(str(error)) from error
        # A machine that is missing is reported by the wait for it.
        if machine is None or not machine.is_off:
            return True
        # The owner had stopped it, so the change leaves it stopped.
        if workstation.was_off:
            return False
        await self.claim.log(f"{place.instance} is stopped after the change. Starting it again.")
        await give_order(self.claim, Power.START, place)
        return True

    async def expected_severity(self, session: AsyncSession, workstation: Workstation, run: Run) -> Severity:
        """The effect that the requester expects: the one that the form showed, computed from the same columns."""
        before = specs.columns(workstation)
        effects = impact.of(before, before | run.changes, has_snapshot=workstation.snapshot is not None)
        return max((effect.severity for effect in effects), default=Severity.IN_PLACE)

    async def finish(self, session: AsyncSession, run: Run) -> str:
        """Record the change. It has also corrected any drift."""
        sentence = await super().finish(session, run)
        (await session.get_one(Workstation, self.stack_id)).become_checked(None, self.claim.tools.clock())
        return sentence

    async def undoing(self, session: AsyncSession, run: Run) -> Kind | None:
        """Restore the previous settings."""
        inputs = await self.previous_inputs(session, run)
        return RollBack(self.attempt.with_inputs(inputs)) if inputs else None


class RollBack(WorkstationKind):
    """The rollback of a change. It does not wait for the machine."""

    async def expected_severity(self, session: AsyncSession, workstation: Workstation, run: Run) -> Severity:
        """The effect that the requester expects: any, as long as the previous machine is restored."""
        return Severity.REPLACES
