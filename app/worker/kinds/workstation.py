"""What the kinds of runs of a workstation have in common."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Run, Workstation
from app.models.machine_report import MachineReport
from app.services import runs
from app.services.terraform import state_versions
from app.services.terraform.state_versions import State
from app.services.workstations import disk_sources, reports
from app.services.workstations.impact import Severity
from app.worker.adopt import WorkstationAdoption
from app.worker.decide import Decision, grown_boot_disk_gb, replacements
from app.worker.kinds.base import Kind
from app.worker.kinds.terraform import TerraformKind
from app.worker.planned import Planned
from app.worker.readiness import Place, Readiness


class MachineKind(Kind):
    """A run after which the machine is ready for SSH."""

    place: Place
    report: MachineReport | None = None
    """The machine's report; None if it is stopped, as it was before the run."""

    async def wait_until_ready(self, place: Place, booted_since: datetime | None = None) -> None:
        """Wait for the machine. Raises RunFailedError if it does not become ready, CanceledError if the run was
        canceled."""
        self.place = place
        self.report = await Readiness(self.claim, self.commands, place, booted_since).wait()

    async def finish(self, session: AsyncSession, run: Run) -> str:
        """Update the workstation's row after success."""
        workstation = await session.get_one(Workstation, self.stack_id, with_for_update=True)
        now = self.claim.tools.clock()
        workstation.take(run.changes)
        workstation.keep_boot_disk_size(run.inputs.get("boot_disk_size_gb", 0))
        if self.report is None:
            workstation.become_stopped()
            return "Done. The machine is stopped, as it was before."
        workstation.become_running(self.place.address, self.report.host_keys, now)
        await reports.record(self.claim.tools.context(session), workstation, self.report)
        return f"Ready: ssh {workstation.name}"


class WorkstationKind(TerraformKind):
    """A run of a workstation with Terraform."""

    def plan_options(self, state: State | None) -> list[str]:
        """Replace the machine where a change in place is not possible."""
        return replacements(state, self.attempt.inputs)

    async def plan(self, state: State | None, adopted: list[str]) -> Planned:
        """Create the plan, with the boot disk at least as large as it is at Google, where somebody may have enlarged
        it."""
        planned = await super().plan(state, adopted)
        size_gb = grown_boot_disk_gb(planned.shown)
        if size_gb <= self.attempt.inputs["boot_disk_size_gb"]:
            return planned
        await self._take_in_boot_disk(size_gb)
        return await super().plan(state, adopted)

    async def _take_in_boot_disk(self, size_gb: int) -> None:
        larger = {"boot_disk_size_gb": size_gb}
        async with self.claim.writing() as (session, run):
            workstation = await session.get_one(Workstation, self.stack_id, with_for_update=True)
            workstation.keep_boot_disk_size(size_gb)
            run.inputs = {**run.inputs, **larger}
            message = f"The boot disk was enlarged to {size_gb} GB outside the portal. Keeping this size."
            await self.claim.log_in(session, run, message)
        self.attempt = self.attempt.with_inputs({**self.attempt.inputs, **larger})
        self.commands.folder.write_variables(self.attempt.inputs)

    async def adopt(self) -> list[str]:
        """Import resources of the machine that exist in no state."""
        folder, inputs = self.commands.folder, self.attempt.inputs
        # Ask for all resources, even those to be deleted: only planned creates are looked for.
        folder.write_variables({**inputs, "disk_only": False, runs.OPENED_INPUT: await self._may_be_open()})
        adopted = await WorkstationAdoption(self.claim, self.commands, self.stack_id, inputs["zone"]).adopt()
        # The machine is deleted and its disk kept, so dependencies between them matter.
        if adopted and inputs.get("disk_only"):
            # Without the refresh, the state would not know that the machine uses the address, and would release that
            # first.
            await self.commands.refresh()
        folder.write_variables(inputs)
        return adopted

    async def _may_be_open(self) -> dict[str, Any] | None:
        """The snapshot whose disk may exist at Google and in no state: that of the run that applied last."""
        async with self.claim.tools.database.sessions() as session:
            last = next(iter((await runs.applied(session, self.stack_id)).possible), None)
        opened = last.inputs.get(runs.OPENED_INPUT) if last else None
        return opened or self.attempt.inputs.get(runs.OPENED_INPUT)

    async def expected_severity(self, session: AsyncSession, workstation: Workstation, run: Run) -> Severity:
        """The severest effect on the machine that the requester was shown."""
        return Severity.IN_PLACE

    async def review(self, planned: Planned) -> Planned:
        """Require approval for effects that nobody requested, and always for the loss of the data disk."""
        async with self.claim.tools.database.sessions() as session:
            run = await session.get_one(Run, self.claim.run_id)
            workstation = await session.get_one(Workstation, self.stack_id)
            expected = await self.expected_severity(session, workstation, run)
            disk_moves = self.attempt.inputs.get(runs.SNAPSHOT_INPUT) == disk_sources.name_of(workstation, run.id)
        decision = Decision(self.claim, self.commands, self.stack_id)
        return await decision.of_workstation(planned, expected, disk_moves=disk_moves)

    async def previous_inputs(self, session: AsyncSession, run: Run) -> dict[str, Any] | None:
        """The variables applied last, with the current size of the data disk; None if there are none."""
        before = (await runs.applied(session, self.stack_id)).reached if run.has_changed_anything else None
        if before is None:
            return None
        state = await state_versions.newest(session, self.claim.tools.vault, self.stack_id)
        # Disks cannot shrink, so a smaller size would replace the disk.
        size_gb = max(before.inputs["disk_size_gb"], (state and state.disk_size_gb) or 0)
        if size_gb > before.inputs["disk_size_gb"]:
            await self.claim.log_in(session, run, "Disks cannot shrink: the data disk keeps its new size.")
        return {**before.inputs, "disk_size_gb": size_gb}
