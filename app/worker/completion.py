"""Terraform is done: wait for a machine that was made to say who it is, then write down what is."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import LogLevel, Run, SharedStack, Workstation
from app.services import snapshots
from app.services.shared import infrastructure_state
from app.services.terraform import state_versions
from app.worker import claim as claims
from app.worker.claim import Claim
from app.worker.commands import Commands
from app.worker.errors import CanceledError, RunFailedError
from app.worker.readiness import Place, Readiness


@dataclass
class Completion:
    """The good end of a run that reached its goal."""

    claim: Claim
    commands: Commands
    stack_id: str

    async def machine(self, *, booted_since: datetime | None = None) -> None:
        """The machine runs. Raises RunFailedError when it does not arrive, CanceledError when it need not."""
        place = await self.place()
        address = place.address
        report = await Readiness(self.claim, self.commands, place, booted_since).wait()
        async with self.claim.writing() as (session, run):
            if run.cancel:
                raise CanceledError
            workstation = await session.get_one(Workstation, self.stack_id, with_for_update=True)
            now = self.claim.tools.clock()
            workstation.take(run.changes)
            workstation.become_running(address, report.host_keys, now)
            workstation.record_report(report, now)
            await self.claim.log_in(session, run, f"Ready: ssh {workstation.name}")
            self._succeed(run)
            await claims.end(session, run, self.claim)

    async def rekeyed(self) -> None:
        """The machine has its owner's keys, and is what it was otherwise: nobody has to wait for it to boot."""
        async with self.claim.writing() as (session, run):
            if run.cancel:
                raise CanceledError
            await self.claim.log_in(session, run, "The machine has its owner's SSH keys, and no others.")
            self._succeed(run)
            await claims.end(session, run, self.claim)

    async def destroyed(self) -> None:
        """The machine is gone; whether its disk is stands in the state."""
        async with self.claim.writing() as (session, run):
            disk_kept = await gone(self.claim, session, run)
            await self.claim.log_in(session, run, "Destroyed; the data disk is kept." if disk_kept else "Destroyed.")
            self._succeed(run)
            await claims.end(session, run, self.claim)

    async def shared(self) -> None:
        """The shared stack is as it was wished for: what it says of itself is for everybody to see."""
        async with self.claim.writing() as (session, run):
            state = await state_versions.newest(session, self.claim.tools.vault, self.stack_id)
            stack = await session.get_one(SharedStack, self.stack_id, with_for_update=True)
            stack.take(run.changes)
            stack.become_ready(state.open_outputs if state else {}, self.claim.tools.clock())
            await self.claim.log_in(session, run, "The shared stack is as asked for.")
            await snapshots.ask(session, infrastructure_state.SNAPSHOT)
            self._succeed(run)
            await claims.end(session, run, self.claim)

    async def shared_destroyed(self) -> None:
        """All of the shared stack is gone."""
        async with self.claim.writing() as (session, run):
            (await session.get_one(SharedStack, self.stack_id, with_for_update=True)).become_absent()
            await self.claim.log_in(session, run, "Destroyed.")
            self._succeed(run)
            await claims.end(session, run, self.claim)

    async def checked(self, differences: int) -> None:
        """A check has ended: with differences it raises a notice, and changes nothing."""
        async with self.claim.writing() as (session, run):
            stack = await session.get_one(SharedStack, self.stack_id, with_for_update=True)
            now = self.claim.tools.clock()
            stack.become_checked(run.id if differences else None, now)
            if differences:
                told = f"{differences} resources are not as they were applied: somebody else has changed them."
                await self.claim.log_in(session, run, told, LogLevel.WARN)
                run.find_differences(now)
            else:
                run.find_no_changes(now)
            await claims.end(session, run, self.claim)

    def _succeed(self, run: Run) -> None:
        now = self.claim.tools.clock()
        run.succeed(now) if run.has_changed_anything else run.find_no_changes(now)

    async def place(self) -> Place:
        """Where the machine is. Raises RunFailedError when the state names none."""
        async with self.claim.tools.database.sessions() as session:
            state = await state_versions.newest(session, self.claim.tools.vault, self.stack_id)
        if state is None or "instance_name" not in state.outputs:
            raise RunFailedError("The state names no machine.")
        outputs = state.outputs
        return Place(str(outputs["zone"]), str(outputs["instance_name"]), str(outputs["address"]))


async def gone(claim: Claim, session: AsyncSession, run: Run) -> bool:
    """Write down that the machine is gone; returns whether its disk still is there."""
    workstation = await session.get_one(Workstation, run.stack_id, with_for_update=True)
    state = await state_versions.newest(session, claim.tools.vault, run.stack_id)
    disk_kept = state is not None and not state.is_empty
    workstation.become_destroyed(claim.tools.clock(), disk_kept=disk_kept)
    return disk_kept
