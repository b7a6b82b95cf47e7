"""Resume: a suspended machine goes on where it was."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.infra.machines import Power
from app.models import Run, RunKind, Workstation
from app.models.machine_report import MachineReport
from app.worker.kinds.order import OrderKind
from app.worker.readiness import Place, Readiness, place_of


class Resume(OrderKind, kind=RunKind.RESUME):
    """There is no boot: the machine is ready as soon as SSH answers with the host key that it had."""

    power = Power.RESUME
    announcement = "Resuming {}."
    place: Place

    async def reach(self) -> None:
        """Resume the machine and wait. Raises RunFailedError if Google refuses or SSH does not answer, CanceledError if
        canceled before."""
        self.place = await place_of(self.claim, self.stack_id)
        await self.order(self.place)
        async with self.claim.tools.database.sessions() as session:
            host_keys = (await session.get_one(Workstation, self.stack_id)).host_keys
        await Readiness(self.claim, self.commands, self.place, report=MachineReport(host_keys=host_keys)).wait_for_ssh()

    async def finish(self, session: AsyncSession, run: Run) -> str:
        """Store the new status."""
        workstation = await session.get_one(Workstation, self.stack_id, with_for_update=True)
        workstation.become_running(self.place.address, workstation.host_keys, self.claim.tools.clock())
        return f"Ready: ssh {workstation.name}"
