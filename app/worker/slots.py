"""How many Terraforms a worker runs at once: a run holds a slot while Terraform works, and none while it waits."""

import asyncio


class Slots:
    """A worker's slots; whoever waits longest is next."""

    def __init__(self, count: int) -> None:
        self._semaphore = asyncio.Semaphore(count)
        self.freed = asyncio.Event()
        """Set whenever one is given back; whoever waits for that clears it."""

    @property
    def are_all_taken(self) -> bool:
        """Whether the next one would have to wait."""
        return self._semaphore.locked()

    def new_slot(self) -> "Slot":
        """A slot that is not held yet."""
        return Slot(self._semaphore, self.freed)


class Slot:
    """One run's slot: taken when Terraform is to work, given back at each wait and at the end."""

    def __init__(self, semaphore: asyncio.Semaphore, freed: asyncio.Event) -> None:
        self._semaphore, self._freed, self.is_held = semaphore, freed, False

    async def take(self, within: float | None = None) -> bool:
        """Whether it is held now; not longer than `within` seconds are waited for it."""
        if not self.is_held:
            try:
                await asyncio.wait_for(self._semaphore.acquire(), within)
            except TimeoutError:
                return False
            self.is_held = True
        return True

    def release(self) -> None:
        """Let another run have it; nothing to do for one that is not held."""
        if self.is_held:
            self.is_held = False
            self._semaphore.release()
            self._freed.set()
