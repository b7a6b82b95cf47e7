"""Starts runs: while slots are free, the worker claims the next run and executes it."""

import asyncio
from collections import Counter

import structlog
from sqlalchemy.exc import OperationalError

from app import live
from app.live import Hub, Signals
from app.worker import claim as claims
from app.worker.claim import Claim, Tools
from app.worker.execute import carry_out

log = structlog.get_logger()
POLL_SECONDS = 0.5
"""How often the database is queried for runs. Notifications are faster, but are lost during an outage."""


class Dispatcher:
    """Claims and executes runs in one worker."""

    def __init__(self, tools: Tools, hub: Hub) -> None:
        self._tools, self._hub = tools, hub
        self._tasks: set[asyncio.Task[None]] = set()
        self._active: Counter[str] = Counter()

    @property
    def run_ids(self) -> set[str]:
        """IDs of the runs that this worker executes now, whose leases have to be renewed."""
        return set(self._active)

    async def dispatch_until_shutdown(self) -> None:
        """Claim and execute runs until the worker shuts down and its runs have ended or were handed over."""
        with self._hub.subscribe(live.RUNS) as signals:
            while not self._tools.leaving.is_set():
                try:
                    await self._begin_what_can_be_begun()
                # An outage must not end the worker.
                except OperationalError as error:
                    log.warning("runs cannot be claimed, will try again", error=str(error.orig))
                await self._wait(signals)
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _begin_what_can_be_begun(self) -> None:
        while not self._tools.leaving.is_set():
            slot = self._tools.slots.new_slot()
            if not self._tools.slots.are_all_taken:
                await slot.take()
            claim = None
            try:
                claim = await claims.take_next(self._tools, slot)
            finally:
                # Also when cancelled: a slot that is not released would be lost for this worker.
                if claim is None and slot.is_held:
                    slot.release()
                    # Our own release must not wake us: nothing has changed.
                    self._tools.slots.freed.clear()
            if claim is None:
                return
            self._begin(claim)

    def _begin(self, claim: Claim) -> None:
        self._active[claim.run_id] += 1
        task = asyncio.create_task(carry_out(claim), name=f"run {claim.run_id}")
        self._tasks.add(task)
        task.add_done_callback(lambda ended: self._ended(claim, ended))

    def _ended(self, claim: Claim, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._active[claim.run_id] -= 1
        # Removes entries whose count is zero.
        self._active = +self._active
        # Errors of the run itself are recorded in its row; this one prevented even that.
        if not task.cancelled() and task.exception():
            log.error("the task of a run failed", run=claim.run_id, exc_info=task.exception())

    async def _wait(self, signals: Signals) -> None:
        """Wait for a notification, a free slot or the shutdown, at most POLL_SECONDS."""
        freed = self._tools.slots.freed
        waits = {asyncio.create_task(each) for each in (signals.get(), freed.wait(), self._tools.leaving.wait())}
        await asyncio.wait(waits, timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        freed.clear()
        while not signals.empty():
            signals.get_nowait()
