"""Resume: a suspended machine goes on where it was."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.infra.machines import Power
from app.models import Run, RunKind, Workstation
from app.models.machine_report import MachineReport
from app.worker import shortage
from app.worker.kinds.power_on import PowerOnKind
from app.worker.readiness import Place, Readiness


class Resume(PowerOnKind, kind=RunKind.RESUME):
    """There is no boot: the machine is ready as soon as SSH answers with the host key that it had."""

    power = Power.RESUME
    announcement = "Resuming {}."
    place: Place

    async def wait_until_on(self, place: Place) -> None:
        """Wait for SSH. Raises RunFailedError if it does not answer."""
        self.place = place
        async with self.claim.tools.database.sessions() as session:
            host_keys = (await session.get_one(Workstation, self.stack_id)).host_keys
        await Readiness(self.claim, self.commands, self.place, report=MachineReport(host_keys=host_keys)).wait_for_ssh()

    async def finish(self, session: AsyncSession, run: Run) -> str:
        """Store the new status, and that there was capacity for it."""
        workstation = await session.get_one(Workstation, self.stack_id, with_for_update=True)
        workstation.become_running(self.place.address, workstation.host_keys, self.claim.tools.clock())
        await shortage.note_found(self.claim, session, run)
        return f"Ready: ssh {workstation.name}"
