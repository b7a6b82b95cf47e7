"""Revert: replace the data disk by one made from a snapshot of it."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Run, RunKind, Snapshot, Workstation
from app.services import runs
from app.services.terraform import state_resources
from app.services.terraform.state_versions import State
from app.services.workstations import disk_sources
from app.services.workstations.impact import Severity
from app.worker.decide import DISK, MACHINE
from app.worker.errors import RunFailedError
from app.worker.kinds.base import Kind
from app.worker.kinds.update import RollBack, Update


class Revert(Update, kind=RunKind.REVERT):
    """The disk as it is now rests as a snapshot, as a disk does that is deleted. Whatever becomes of the run after
    that, the next one that has to make the disk makes it from the snapshot that was asked for."""

    def plan_options(self, state: State | None) -> list[str]:
        """Replace the disk, and the machine with it: the new disk has the same name."""
        there = {each.address for each in state_resources.instances(state)} if state else set()
        return [f"-replace={address}" for address in (DISK, MACHINE) if address in there]

    async def before_apply(self) -> None:
        """Take a snapshot of the disk that is about to be replaced. Raises RunFailedError if that fails, or there is
        nothing any more to make the new disk from."""
        if self.commands.undoing:
            return
        await super().before_apply()
        name = self.attempt.inputs[runs.SNAPSHOT_INPUT]
        async with self.claim.writing() as (session, _):
            source = await session.scalar(select(Snapshot).where(Snapshot.name == name).with_for_update())
            if source is None or source.is_being_deleted:
                raise RunFailedError("The snapshot has been deleted, so nothing was changed.")
            # From now on it is not deleted.
            await disk_sources.keep_source(session, self.stack_id, name)

    async def expected_severity(self, session: AsyncSession, workstation: Workstation, run: Run) -> Severity:
        """The effect that the requester expects: the machine is replaced with its disk."""
        return Severity.REPLACES

    async def undoing(self, session: AsyncSession, run: Run) -> Kind | None:
        """Bring the disk back as it was, if it was replaced already."""
        inputs = await self.previous_inputs(session, run)
        if inputs is None:
            return None
        workstation = await session.get_one(Workstation, self.stack_id)
        name = disk_sources.name_of(workstation, run.id)
        if await session.scalar(select(Snapshot.id).where(Snapshot.name == name)):
            await disk_sources.keep_source(session, self.stack_id, name)
        return RollBack(self.attempt.with_inputs({**inputs, runs.SNAPSHOT_INPUT: workstation.disk_snapshot}))
