"""Start: start a stopped machine, and wait until it is ready. Its IP address, disks and host keys stay the same."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.infra.machines import Power
from app.models import Run, RunKind
from app.worker import run_limit, shortage
from app.worker.kinds.power_on import PowerOnKind
from app.worker.kinds.workstation import MachineKind
from app.worker.readiness import Place
from app.worker.retry import retry


class Start(PowerOnKind, MachineKind, kind=RunKind.START):
    """A start: the machine boots."""

    power = Power.START
    announcement = "Starting {}."

    async def order(self, place: Place) -> datetime:
        """Start it, with the run limit that counts now: Google takes another one for a stopped machine only."""
        if not await self.is_ordered():
            await retry(self.claim, self.commands, lambda: run_limit.renew(self.claim, place))
        return await super().order(place)

    async def wait_until_on(self, place: Place) -> None:
        """Wait for the boot and SSH. Raises RunFailedError if the machine does not boot."""
        await self.wait_until_ready(place)

    async def finish(self, session: AsyncSession, run: Run) -> str:
        """Record the machine, and that there was capacity for it."""
        sentence = await super().finish(session, run)
        await shortage.note_found(self.claim, session, run)
        return sentence
