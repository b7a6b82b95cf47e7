"""Stop: a machine is switched off. It keeps its disks and its address, and costs no more than those."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.infra.machines import Power
from app.models import Run, RunKind, Workstation
from app.worker.kinds.order import OrderKind
from app.worker.readiness import place_of


class Stop(OrderKind, kind=RunKind.STOP):
    """Google shuts it down in good order, and waits for that up to 90 seconds."""

    power = Power.STOP
    announcement = "Stopping {}."

    async def reach(self) -> None:
        """Raises RunFailedError when Google refuses, CanceledError when nothing was begun yet."""
        await self.order(await place_of(self.claim, self.stack_id))

    async def finish(self, session: AsyncSession, run: Run) -> str:
        """It is off."""
        (await session.get_one(Workstation, self.stack_id, with_for_update=True)).become_stopped()
        return "Stopped. Its disks and external IP are kept."
