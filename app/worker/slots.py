"""Limits how many Terraforms a worker runs at once: a run holds a slot while its Terraform works, and none while it
waits."""

import asyncio


class Slots:
    """The slots of a worker, given to waiting runs in order."""

    def __init__(self, count: int) -> None:
        self._semaphore = asyncio.Semaphore(count)
        self.freed = asyncio.Event()
        """Set whenever a slot is released. Whoever waits for it clears it."""

    @property
    def are_all_taken(self) -> bool:
        """Whether no slot is free."""
        return self._semaphore.locked()

    def new_slot(self) -> "Slot":
        """A slot that is not held yet."""
        return Slot(self._semaphore, self.freed)


class Slot:
    """The slot of one run."""

    def __init__(self, semaphore: asyncio.Semaphore, freed: asyncio.Event) -> None:
        self._semaphore, self._freed, self.is_held = semaphore, freed, False

    async def take(self, within: float | None = None) -> bool:
        """Take the slot; returns whether it is held, after waiting at most `within` seconds."""
        if not self.is_held:
            try:
                await asyncio.wait_for(self._semaphore.acquire(), within)
            except TimeoutError:
                return False
            self.is_held = True
        return True

    def release(self) -> None:
        """Release the slot, if it is held."""
        if self.is_held:
            self.is_held = False
            self._semaphore.release()
            # Wakes the dispatcher, which can start another run.
            self._freed.set()
