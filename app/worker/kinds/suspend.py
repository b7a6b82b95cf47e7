"""Suspend: a machine's memory is stored and the machine is off; only disks, memory and address are billed."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.infra.machines import Power
from app.models import Run, RunKind, Workstation
from app.worker.kinds.order import OrderKind
from app.worker.readiness import place_of


class Suspend(OrderKind, kind=RunKind.SUSPEND):
    """A suspension. Google ends it by itself after 60 days, as a stop does."""

    power = Power.SUSPEND
    announcement = "Suspending {}."

    async def reach(self) -> None:
        """Suspend the machine. Raises RunFailedError if Google refuses, CanceledError if canceled before."""
        await self.order(await place_of(self.claim, self.stack_id))

    async def finish(self, session: AsyncSession, run: Run) -> str:
        """Store the new status."""
        (await session.get_one(Workstation, self.stack_id, with_for_update=True)).become_suspended()
        return "Suspended. Its memory, disks and external IP are kept."
