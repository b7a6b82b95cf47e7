"""Open and close: mount a snapshot read-only on its machine, from a disk that exists for that time."""

import asyncio

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import LogLevel, Run, RunKind, Workstation
from app.models.machine_report import MachineReport
from app.models.workstation import MOUNT_POINT
from app.services import runs
from app.services.workstations import snapshots
from app.worker.errors import GOOGLE_ERRORS, RunFailedError
from app.worker.kinds.base import Kind
from app.worker.kinds.workstation import WorkstationKind
from app.worker.readiness import place_of

MOUNT_SECONDS = 90.0
"""So long the machine may take. It looks every two seconds."""
LOOK_AGAIN_SECONDS = 1.0


class _Opened(WorkstationKind):
    """A change of which snapshot is open."""

    async def _record(self, session: AsyncSession) -> None:
        """What is to be open now, even if the run fails: then its disk may exist, and can be closed."""
        workstation = await session.get_one(Workstation, self.stack_id, with_for_update=True)
        workstation.set_opened(self.attempt.inputs[runs.OPENED_INPUT], self.claim.tools.clock())
        await snapshots.changed(session, workstation)

    async def finish_undoing(self, session: AsyncSession, run: Run) -> None:
        """What was open before is open again."""
        await self._record(session)


class Open(_Opened, kind=RunKind.OPEN):
    """A snapshot is opened, in place of the one that was open."""

    is_mounted = False

    async def reach(self) -> None:
        """Attach its disk, and wait until the machine has mounted it. Raises RunFailedError if it cannot."""
        await super().reach()
        place = await place_of(self.claim, self.stack_id)
        date, loop = self.attempt.inputs[runs.OPENED_INPUT]["date"], asyncio.get_running_loop()
        until = loop.time() + MOUNT_SECONDS
        while not self.is_mounted and loop.time() < until:
            try:
                told = MachineReport.read(await self.claim.tools.compute.guest_attributes(place.zone, place.instance))
            except GOOGLE_ERRORS as error:
                await self.claim.log(f"The machine's report could not be read: {error}", LogLevel.WARN)
                told = MachineReport()
            opened = told.opened if told.opened and told.opened.date == date else None
            if opened and opened.trouble is not None:
                raise RunFailedError(f"The machine could not mount the snapshot: {opened.trouble}")
            self.is_mounted = opened is not None
            if not self.is_mounted:
                await self.commands.pause(LOOK_AGAIN_SECONDS)

    async def before_apply(self) -> None:
        """Record that it is open, so that whatever becomes of this run, it can be closed."""
        async with self.claim.writing() as (session, _):
            await self._record(session)

    async def finish(self, session: AsyncSession, run: Run) -> str:
        """Say where its files are."""
        await self._record(session)
        folder = f"{MOUNT_POINT}/.snapshots/{run.inputs[runs.OPENED_INPUT]['date']}"
        if self.is_mounted:
            return f"Mounted read-only at {folder}."
        return f"The disk is attached, but the machine has not mounted it at {folder} yet. Restart it if it does not."

    async def undoing(self, session: AsyncSession, run: Run) -> Kind | None:
        """Close it again."""
        inputs = await self.previous_inputs(session, run)
        return _OpenedBefore(self.attempt.with_inputs({runs.OPENED_INPUT: None, **inputs})) if inputs else None


class Close(_Opened, kind=RunKind.CLOSE):
    """The snapshot that is open is closed, and its disk deleted."""

    async def finish(self, session: AsyncSession, run: Run) -> str:
        """Record that none is open."""
        await self._record(session)
        return "Closed. The disk made from the snapshot is deleted."


class _OpenedBefore(_Opened):
    """The rollback of an opening."""
