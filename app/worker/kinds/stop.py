"""Stop: stop a machine. Only its disks and IP address are billed from then on."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.infra.machines import Power
from app.models import Run, RunKind, Workstation
from app.worker.kinds.order import OrderKind
from app.worker.readiness import place_of


class Stop(OrderKind, kind=RunKind.STOP):
    """A stop. Google shuts the system down, and cuts the power after 90 seconds."""

    power = Power.STOP
    announcement = "Stopping {}."

    async def reach(self) -> None:
        """Stop the machine. Raises RunFailedError if Google refuses, CanceledError if canceled before."""
        await self.order(await place_of(self.claim, self.stack_id))

    async def finish(self, session: AsyncSession, run: Run) -> str:
        """Mark the workstation as stopped."""
        (await session.get_one(Workstation, self.stack_id, with_for_update=True)).become_stopped()
        return "Stopped. Its disks and external IP are kept."
