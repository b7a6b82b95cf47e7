"""What start and resume share: Google may have no capacity for the machine, and then the run waits if it may."""

from app.worker import shortage
from app.worker.errors import StockOutError
from app.worker.kinds.order import OrderKind
from app.worker.readiness import Place, place_of


class PowerOnKind(OrderKind):
    """An order after which the machine runs. Without capacity it stays as it was."""

    async def reach(self) -> None:
        """Give the order and wait. Raises RunFailedError if Google refuses or the machine does not become ready,
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
                await self.wait_until_on(place)
                return
        await shortage.wait(self.claim, failure, has_changed_anything=False)

    async def wait_until_on(self, place: Place) -> None:
        """Wait until the machine can be used. Raises RunFailedError if it does not get there."""
        raise NotImplementedError
