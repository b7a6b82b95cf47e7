"""Destroy: delete the resources of a stack. A workstation's data disk is kept if that was requested."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import LogLevel, Root, Run, RunKind, SnapshotReason, Workstation
from app.services.runs import stacks
from app.services.terraform import state_versions
from app.services.terraform.state_versions import State
from app.services.workstations import consoles
from app.services.workstations.existing import Existing
from app.services.workstations.impact import Severity
from app.worker.decide import DATA_DISK
from app.worker.errors import NoDiskError, RunFailedError
from app.worker.kinds.shared import SharedKind
from app.worker.kinds.terraform import TerraformKind
from app.worker.kinds.workstation import WorkstationKind
from app.worker.planned import Planned
from app.worker.snapshots import SnapshotTaker

_NO_SNAPSHOT = "No snapshot of the data disk could be taken before its deletion, so nothing was deleted."


class _Destroying(TerraformKind):
    """What destroying a workstation and the shared stack have in common."""

    applies_empty_plans = True

    def keeps_disk(self, state: State | None) -> bool:
        """Whether the data disk is kept."""
        # Without a disk in the state, a plan that keeps it would create one.
        return bool(self.attempt.inputs.get("disk_only")) and state is not None and not state.is_empty

    def plan_options(self, state: State | None) -> list[str]:
        """Options for a plan that deletes everything, or everything but the disk."""
        return super().plan_options(state) if self.keeps_disk(state) else ["-destroy"]

    async def finish(self, session: AsyncSession, run: Run) -> str:
        """Record the deletion, and whether the state still has a disk."""
        disk_kept = await self._write_down(session)
        return "Deleted. The data disk is kept." if disk_kept else "Destroyed."

    async def finish_undoing(self, session: AsyncSession, run: Run) -> None:
        """Record the deletion of a machine whose creation was canceled."""
        await self._write_down(session)

    async def _write_down(self, session: AsyncSession) -> bool:
        subject = await stacks.subject(session, self.stack_id, lock=True)
        state = await state_versions.newest(session, self.claim.tools.vault, self.stack_id)
        # Only the state knows: a plan may have deleted the disk in spite of the request.
        disk_kept = state is not None and not state.is_empty
        subject.become_destroyed(self.claim.tools.clock(), disk_kept=disk_kept)
        return disk_kept


class Destroy(_Destroying, WorkstationKind, kind=RunKind.DESTROY):
    """Deletion of a workstation."""

    async def _write_down(self, session: AsyncSession) -> bool:
        await consoles.forget(session, self.stack_id)
        return await super()._write_down(session)

    async def expected_severity(self, session: AsyncSession, workstation: Workstation, run: Run) -> Severity:
        """The effect that the requester expects: the machine is deleted."""
        return Severity.REPLACES

    async def review(self, planned: Planned) -> Planned:
        """Require approval if a disk that is to be kept would be deleted."""
        return await super().review(planned) if self.keeps_disk(planned.state) else planned

    async def before_apply(self) -> None:
        """Take a snapshot before the data disk is deleted, if it is to rest as one. An empty one does not."""
        async with self.claim.tools.database.sessions() as session:
            run = await session.get_one(Run, self.claim.run_id)
            workstation = await session.get_one(Workstation, self.stack_id)
            state = await state_versions.newest(session, self.claim.tools.vault, self.stack_id)
        # Only the plan knows: somebody may have deleted the disk at Google.
        lost = [change.address for change in self.changes if change.is_loss] + [each["address"] for each in run.awaits]
        loses_disk = any(DATA_DISK in f".{address}" for address in lost)
        exists = Existing.in_state(state)
        if not (run.rest_days and loses_disk and exists.disk) or exists.has_empty_disk(workstation):
            return
        try:
            taker = SnapshotTaker(self.claim, self.commands, self.stack_id)
            await taker.take(SnapshotReason.DELETED, run.rest_days)
        except NoDiskError as error:
            await self.claim.log(f"{error} No files can be lost.", LogLevel.WARN)
        except RunFailedError as error:
            raise RunFailedError(f"{_NO_SNAPSHOT}\n{error}") from error


class DestroyShared(_Destroying, SharedKind, kind=RunKind.DESTROY, root=Root.SHARED):
    """Deletion of the shared stack."""

    def ends_binding(self, role: str) -> bool:
        """True: no role stays bound, so that members who were not granted it here keep it."""
        return True
