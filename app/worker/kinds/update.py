"""Update: change an existing machine."""

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from app.infra.machines import MachineState, Power
from app.models import LogLevel, Run, RunKind, SnapshotReason, Workstation
from app.services import runs
from app.services.people import team_policy
from app.services.terraform import state_resources, state_versions
from app.services.workstations import disk_sources, impact, specs
from app.services.workstations.impact import Severity
from app.worker import shortage
from app.worker.claim import Claim
from app.worker.decide import DATA_DISK
from app.worker.errors import (
    GOOGLE_ERRORS,
    CanceledError,
    NoDiskError,
    RunFailedError,
    StockOutError,
    TransientError,
    is_transient,
)
from app.worker.kinds.base import Kind
from app.worker.kinds.order import give_order
from app.worker.kinds.workstation import MachineKind, WorkstationKind
from app.worker.readiness import Place, place_of
from app.worker.retry import retry
from app.worker.snapshots import SnapshotTaker

_OF_THE_DISK = {"disk_size_gb", "disk_type", "image", "zone"}
"""A snapshot is taken before these columns change."""
_NO_SNAPSHOT = "No snapshot could be taken before the change, so nothing was changed."


def wants_snapshot(run: Run, workstation: Workstation) -> bool:
    """Whether a snapshot has to be taken before this change is applied."""
    changed = {column for column, value in run.changes.items() if value != getattr(workstation, column)}
    loses_disk = any(DATA_DISK in f".{change['address']}" for change in run.awaits)
    return bool(changed & _OF_THE_DISK) or loses_disk


class Update(MachineKind, WorkstationKind, kind=RunKind.UPDATE):
    """A change of a machine: plan, apply, and wait until it is ready."""

    async def reach(self) -> None:
        """Apply the change, when Google has capacity for the machine. Raises StockOutError if it has none, and
        CapacityAwaitedError if the run waits for that."""
        failure: StockOutError | None = None
        if await shortage.is_first(self.claim):
            try:
                await self.change_machine()
            except StockOutError as error:
                failure = error
                await shortage.note(self.claim, error)
            else:
                return
        await shortage.wait(self.claim, failure, has_changed_anything=True)

    async def change_machine(self) -> None:
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
            await retry(self.claim, self.commands, self._is_on)
        except RunFailedError as error:
            # Of the same type: a shortage of capacity stays one.
            raise type(failure)(f"{failure}\n\nThe machine could not be started again:\n{error}") from failure

    async def _is_on(self) -> bool:
        """Whether the machine is running. If a change has left it stopped, start it again, unless it was stopped
        before."""
        async with self.claim.tools.database.sessions() as session:
            workstation = await session.get_one(Workstation, self.stack_id)
            rounds = (await session.get_one(Run, self.claim.run_id)).rounds
        place = Place(self.attempt.inputs["zone"], workstation.resource_name, workstation.address or "")
        machine = await machine_at(self.claim, place)
        # A move that failed early has left it where it was.
        if machine is None and place.zone != workstation.zone:
            place = replace(place, zone=workstation.zone)
            machine = await machine_at(self.claim, place)
        # A machine that is missing is reported by the wait for it.
        if machine is None or not machine.is_off:
            return True
        # The owner had stopped it, so the change leaves it stopped.
        if workstation.was_off:
            return False
        await self.claim.log(f"{place.instance} is stopped after the change. Starting it again.")
        await give_order(self.claim, Power.START, place, rounds)
        return True

    async def before_apply(self) -> None:
        """Take a snapshot before a change that the data disk takes part in. A machine that moves is stopped before, so
        that nothing is written to its disk any more."""
        async with self.claim.tools.database.sessions() as session:
            run = await session.get_one(Run, self.claim.run_id)
            workstation = await session.get_one(Workstation, self.stack_id)
            state = await state_versions.newest(session, self.claim.tools.vault, self.stack_id)
            rest_days = (await team_policy.of_team(session)).rest_days
        has_disk = state is not None and state_resources.data_disk(state) is not None
        if self.commands.undoing or not (has_disk and wants_snapshot(run, workstation)):
            return
        is_move = disk_sources.moves(run, workstation)
        try:
            if is_move:
                await retry(self.claim, self.commands, lambda: self._switch_off(workstation))
            taker = SnapshotTaker(self.claim, self.commands, self.stack_id)
            taken = await taker.take(SnapshotReason.CHANGE, rest_days)
        except NoDiskError as error:
            await self.claim.log(f"{error} No files can be lost.", LogLevel.WARN)
            return
        except RunFailedError as error:
            raise RunFailedError(f"{_NO_SNAPSHOT}\n{error}") from error
        except CanceledError:
            await self._is_on()
            raise
        if is_move:
            async with self.claim.writing() as (session, run):
                await disk_sources.keep_source(session, self.stack_id, taken.name)

    async def _switch_off(self, workstation: Workstation) -> None:
        place = Place(workstation.zone, workstation.resource_name, workstation.address or "")
        machine = await machine_at(self.claim, place)
        if machine and not machine.is_off:
            await self.claim.log(f"Stopping {place.instance}, so that its disk can move to another zone.")
            await give_order(self.claim, Power.STOP, place)

    async def expected_severity(self, session: AsyncSession, workstation: Workstation, run: Run) -> Severity:
        """The effect that the requester expects: the one that the form showed, computed from the same columns."""
        before = specs.columns(workstation)
        effects = impact.of(before, before | run.changes, has_snapshot=workstation.snapshot is not None)
        return max((effect.severity for effect in effects), default=Severity.IN_PLACE)

    async def finish(self, session: AsyncSession, run: Run) -> str:
        """Record the change. It has also corrected any drift."""
        sentence = await super().finish(session, run)
        workstation = await session.get_one(Workstation, self.stack_id)
        workstation.become_checked(None, self.claim.tools.clock())
        # The disk is there, whatever it was made from.
        workstation.disk_snapshot = None
        if "zone" in run.changes or run.waiting_since:
            await shortage.note_found(self.claim, session, run)
        return sentence

    async def undoing(self, session: AsyncSession, run: Run) -> Kind | None:
        """Restore the previous settings."""
        inputs = await self.previous_inputs(session, run)
        if inputs is None:
            return None
        # A disk that the move has already deleted comes back with its files.
        source = (await session.get_one(Workstation, self.stack_id)).disk_snapshot
        return RollBack(self.attempt.with_inputs({**inputs, runs.SNAPSHOT_INPUT: source}))


async def machine_at(claim: Claim, place: Place) -> MachineState | None:
    """The machine there; None if there is none. Raises TransientError or RunFailedError."""
    try:
        return await claim.tools.compute.machine(place.zone, place.instance)
    except GOOGLE_ERRORS as error:
        raise (TransientError if is_transient(error) else RunFailedError)(str(error)) from error


class RollBack(WorkstationKind):
    """The rollback of a change. It does not wait for the machine, and starts none for which Google had no capacity."""

    is_off = False

    async def reach(self) -> None:
        """Restore the previous settings."""
        await super().reach()
        async with self.claim.tools.database.sessions() as session:
            workstation = await session.get_one(Workstation, self.stack_id)
        place = Place(self.attempt.inputs["zone"], workstation.resource_name, workstation.address or "")
        machine = await retry(self.claim, self.commands, lambda: machine_at(self.claim, place))
        self.is_off = machine is not None and machine.is_off

    async def finish_undoing(self, session: AsyncSession, run: Run) -> None:
        """Record that the machine is stopped, if it ran before the change."""
        workstation = await session.get_one(Workstation, self.stack_id, with_for_update=True)
        if self.is_off and not workstation.was_off:
            workstation.become_stopped()
            await self.claim.log_in(session, run, "The machine is stopped.")

    async def expected_severity(self, session: AsyncSession, workstation: Workstation, run: Run) -> Severity:
        """The effect that the requester expects: any, as long as the previous machine is restored."""
        return Severity.REPLACES
