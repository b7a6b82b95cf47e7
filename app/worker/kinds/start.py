"""Start: start a stopped machine, and wait until it is ready. Its IP address, disks and host keys stay the same."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.infra.machines import Power
from app.models import Run, RunKind
from app.worker import shortage
from app.worker.errors import StockOutError
from app.worker.kinds.order import OrderKind
from app.worker.kinds.workstation import MachineKind
from app.worker.readiness import place_of


class Start(OrderKind, MachineKind, kind=RunKind.START):
    """A start. If Google has no capacity, the run waits if that is wished, or fails; the machine stays stopped."""

    power = Power.START
    announcement = "Starting {}."

    async def reach(self) -> None:
        """Start the machine and wait. Raises RunFailedError if Google refuses or the machine does not boot,
        CanceledError if canceled before, CapacityAwaitedError if it waits for capacity."""
        place = await place_of(self.claim, self.stack_id)
        failure: StockOutError | None = None
        # An order that Google has accepted is not given again.
        if await self.is_ordered() or await shortage.choose(self.claim, can_move=False):
            try:
                await self.order(place)
            except StockOutError as error:
                failure = error
                await shortage.note(self.claim, error)
            else:
                await self.wait_until_ready(place)
                return
        await shortage.wait(self.claim, failure, has_changed_anything=False)

    async def finish(self, session: AsyncSession, run: Run) -> str:
        """Record the machine, and that there was capacity for it."""
        sentence = await super().finish(session, run)
        await shortage.note_found(self.claim, session, run)
        return sentence
