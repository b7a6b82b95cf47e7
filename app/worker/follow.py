"""Following a Terraform command: its output becomes log rows, its state file state versions, as they are written.

And the other way: a request to cancel becomes the one interrupt that Terraform gets.
"""

import time
from collections.abc import Collection

import structlog
from sqlalchemy.exc import OperationalError

from app.infra.events import Event, parse, storable
from app.models import CancelMode, LogLevel, ResourceState
from app.services.terraform import state_versions
from app.worker.claim import Claim
from app.worker.folder import RunFolder

log = structlog.get_logger()
_CHANGES_NOTHING = frozenset({"read", "noop", "move"})
"""Actions of a plan that leave everything at Google as it is; a move is another address in the state."""
POLL_SECONDS = 0.15
"""How often output and state are looked at: a change is stored within 250 ms."""
READ_BYTES = 256 * 1024
"""How much output becomes rows in one transaction."""


LISTEN_SECONDS = 0.4
"""How often requests to cancel are looked for: Terraform is interrupted within a second."""


class Follower:
    """Follows one step of a run's folder, from where the log stands.

    :param stopped_by: the requests to cancel that stop this step: force kills it, the others interrupt it.
    """

    def __init__(
        self,
        claim: Claim,
        folder: RunFolder,
        step: str,
        offset: int,
        serial: int,
        stopped_by: Collection[CancelMode] = (),
    ) -> None:
        self._claim, self._folder, self._step = claim, folder, folder.step(step)
        self._offset, self._stopped_by = offset, stopped_by
        self.serial = serial
        self._stamp: tuple[int, int] | None = None
        self._listened = 0.0
        self.was_asked = False
        """It was interrupted or killed because somebody wants the run stopped."""
        self.was_killed = False
        """It did not end by itself."""
        self.errors: list[str] = []
        self.changes: list[Event] = []

    async def to_the_end(self) -> int | None:
        """Wait for the command; returns its exit code, None when it was killed."""
        code = await self._step.wait(self._tick, POLL_SECONDS)
        self.was_killed = code is None or code < 0
        self._folder.pick_up_errored_state()
        while await self._store_output():
            pass
        if code != 0:
            await self._log_crash(code)
        return code

    async def _tick(self) -> None:
        self._folder.touch_watch_file()
        try:
            await self._store_output()
            if time.monotonic() - self._listened >= LISTEN_SECONDS:
                self._listened = time.monotonic()
                await self._listen()
        except (OperationalError, OSError) as error:
            # The database is away: Terraform goes on, its files wait, and the next look takes up where this one began.
            log.warning("the run's progress cannot be stored, will try again", run=self._claim.run_id, error=str(error))

    async def _listen(self) -> None:
        spec = await self._claim.requested_cancel()
        if spec not in self._stopped_by:
            return
        if spec is CancelMode.FORCE and self._step.kill():
            self.was_asked = True
            await self._claim.log("Killing Terraform, as requested.", LogLevel.WARN)
        elif not self.was_asked:
            self.was_asked = True
            if self._step.interrupt():
                await self._claim.log("Asked Terraform to stop.", LogLevel.WARN)

    async def _store_output(self) -> bool:
        """Store what is new; returns whether there was any output."""
        lines, offset = self._new_lines()
        state = self._new_state()
        if not lines and state is None:
            return False
        events = [parse(line) for line in lines]
        async with self._claim.writing() as (session, run):
            await self._claim.record(session, run, events, step=self._step.name)
            run.log_offset = offset
            if state:
                await state_versions.store(session, self._claim.tools.vault, run, state, self._claim.tools.clock())
        self._offset = offset
        if state:
            self.serial = state.serial
        self._remember(events)
        return bool(lines)

    def _new_lines(self) -> tuple[list[str], int]:
        """Whole lines only; what has no end yet is read again next time."""
        with self._step.file("jsonl").open("rb") as file:
            file.seek(self._offset)
            chunk = file.read(READ_BYTES)
            while chunk and b"\n" not in chunk and len(chunk) % READ_BYTES == 0:
                chunk += file.read(READ_BYTES)
        whole = chunk[: chunk.rfind(b"\n") + 1]
        lines = whole.decode(errors="replace").split("\n")  # splitlines would cut at U+0085, which JSON may hold
        return [line for line in lines if line.strip()], self._offset + len(whole)

    def _new_state(self) -> state_versions.State | None:
        """The state, if it is whole and newer. Its stamp counts as seen only then, so a torn one is looked at again."""
        stamp = self._folder.state_stamp()
        if stamp is None or stamp == self._stamp:
            return None
        state = self._folder.read_state()
        if state is None:
            return None
        self._stamp = stamp
        return state if state.serial > self.serial else None

    def _remember(self, events: list[Event]) -> None:
        self.errors += [event.message for event in events if event.is_error]
        # Only what is planned: an event of drift also names an address and an action, of somebody else's doing.
        self.changes += [
            event
            for event in events
            if event.state is ResourceState.PENDING and event.action not in {"read", "noop", "move"}
        ]

    async def _log_crash(self, code: int | None) -> None:
        """A crash speaks on stderr, not in events."""
        stderr = storable(self._step.file("err").read_text(errors="replace")).strip()
        if stderr:
            await self._claim.log(stderr, LogLevel.ERROR)
            self.errors.append(stderr)
        if not self.errors:
            self.errors.append("Terraform was killed." if code is None else f"Terraform ended with exit code {code}.")
