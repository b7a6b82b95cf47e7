"""Start: start a stopped machine, and wait until it is ready. Its IP address, disks and host keys stay the same."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.infra.machines import Power
from app.models import Run, RunKind
from app.worker import shortage
from app.worker.kinds.power_on import PowerOnKind
from app.worker.kinds.workstation import MachineKind
from app.worker.readiness import Place


class Start(PowerOnKind, MachineKind, kind=RunKind.START):
    """A start: the machine boots."""

    power = Power.START
    announcement = "Starting {}."

    async def wait_until_on(self, place: Place) -> None:
        """Wait for the boot and SSH. Raises RunFailedError if the machine does not boot."""
        await self.wait_until_ready(place)

    async def finish(self, session: AsyncSession, run: Run) -> str:
        """Record the machine, and that there was capacity for it."""
        sentence = await super().finish(session, run)
        await shortage.note_found(self.claim, session, run)
        return sentence
