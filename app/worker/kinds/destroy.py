"""Destroy: all that a stack has at Google goes, of a workstation the data disk only where that was asked for."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Root, Run, RunKind, Workstation
from app.services.runs import stacks
from app.services.terraform import state_versions
from app.services.terraform.state_versions import State
from app.services.workstations.impact import Severity
from app.worker.kinds.shared import SharedKind
from app.worker.kinds.terraform import TerraformKind
from app.worker.kinds.workstation import WorkstationKind
from app.worker.planned import Planned


class _Destroying(TerraformKind):
    """What both have in common."""

    applies_empty_plans = True

    def keeps_disk(self, state: State | None) -> bool:
        """With no disk to keep, a plan to keep one would make it."""
        return bool(self.attempt.inputs.get("disk_only")) and state is not None and not state.is_empty

    def plan_options(self, state: State | None) -> list[str]:
        """A plan of destroying, or one that leaves the disk alone."""
        return super().plan_options(state) if self.keeps_disk(state) else ["-destroy"]

    async def finish(self, session: AsyncSession, run: Run) -> str:
        """It is gone; whether a disk still is there stands in the state."""
        disk_kept = await self._write_down(session)
        return "Deleted. The data disk is kept." if disk_kept else "Destroyed."

    async def finish_undoing(self, session: AsyncSession, run: Run) -> None:
        """What was being made is gone."""
        await self._write_down(session)

    async def _write_down(self, session: AsyncSession) -> bool:
        subject = await stacks.subject(session, self.stack_id, lock=True)
        state = await state_versions.newest(session, self.claim.tools.vault, self.stack_id)
        disk_kept = state is not None and not state.is_empty
        subject.become_destroyed(self.claim.tools.clock(), disk_kept=disk_kept)
        return disk_kept


class Destroy(_Destroying, WorkstationKind, kind=RunKind.DESTROY):
    """Of a workstation."""

    async def expected_severity(self, session: AsyncSession, workstation: Workstation, run: Run) -> Severity:
        """The machine goes."""
        return Severity.REPLACES

    async def review(self, planned: Planned) -> Planned:
        """A disk that is to be kept wants a decision where it would be lost after all."""
        return await super().review(planned) if self.keeps_disk(planned.state) else planned


class DestroyShared(_Destroying, SharedKind, kind=RunKind.DESTROY, root=Root.SHARED):
    """Of the shared stack."""

    def ends_binding(self, role: str) -> bool:
        """The single grants go, and others keep theirs."""
        return True
