"""Follows a Terraform command: stores its output and its states as they are written, and stops it when the run is
canceled."""

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
"""Planned actions that change nothing at Google; a move changes an address in the state."""
POLL_SECONDS = 0.15
"""How often output and state are read, so that a change is stored within 250 ms."""
READ_BYTES = 256 * 1024
"""How much output is stored in one transaction."""


LISTEN_SECONDS = 0.4
"""How often requests to cancel are read, so that Terraform is interrupted within a second."""


class Follower:
    """Follows one step from a position in its output.

    :param stopped_by: the ways to cancel a run that stop this step. FORCE kills it; the others interrupt it.
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
        self.was_stopped = False
        """Whether it was interrupted or killed because the run was canceled."""
        self.was_killed = False
        """Whether it was killed, by whomever."""
        self.errors: list[str] = []
        self.changes: list[Event] = []
        self.has_missing = False
        """Whether a plan found that something in the state no longer exists."""

    async def to_the_end(self) -> int | None:
        """Follow the command until it ends; returns its exit code, None if it was killed."""
        async with self._folder.watched():
            code = await self._step.wait(self._tick, POLL_SECONDS)
        self.was_killed = code is None or code < 0
        self._folder.pick_up_errored_state()
        # More than READ_BYTES may be left.
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
            # Terraform goes on without the database. Its files keep everything, and the next tick reads on from the
            # same position.
            log.warning("the run's progress cannot be stored, will try again", run=self._claim.run_id, error=str(error))

    async def _listen(self) -> None:
        spec = await self._claim.requested_cancel()
        if spec not in self._stopped_by:
            return
        # A kill is possible at any time, also after an interrupt.
        if spec is CancelMode.FORCE and self._step.kill():
            self.was_stopped = True
            await self._claim.log("Killing Terraform, as requested.", LogLevel.WARN)
        elif not self.was_stopped:
            self.was_stopped = True
            if self._step.interrupt():
                await self._claim.log("Asked Terraform to stop.", LogLevel.WARN)

    async def _store_output(self) -> bool:
        """Store new output and a new state; returns whether there was any output."""
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
        # Only after the commit, so that nothing is lost if it fails.
        self._offset = offset
        if state:
            self.serial = state.serial
        self._remember(events)
        return bool(lines)

    def _new_lines(self) -> tuple[list[str], int]:
        """Complete lines, and the position after them. An incomplete line is read again at the next tick."""
        with self._step.file("jsonl").open("rb") as file:
            file.seek(self._offset)
            chunk = file.read(READ_BYTES)
            # A single line, such as a large error, may be longer than one read.
            while chunk and b"\n" not in chunk and len(chunk) % READ_BYTES == 0:
                chunk += file.read(READ_BYTES)
        whole = chunk[: chunk.rfind(b"\n") + 1]
        lines = whole.decode(errors="replace").split("\n")  # splitlines would cut at U+0085, which JSON may hold
        return [line for line in lines if line.strip()], self._offset + len(whole)

    def _new_state(self) -> state_versions.State | None:
        """The state, if it is complete and newer."""
        stamp = self._folder.state_stamp()
        if stamp is None or stamp == self._stamp:
            return None
        state = self._folder.read_state()
        if state is None or state.serial > self.serial:
            return state
        # Only now: a state that was incomplete, or that the database did not take, is read again.
        self._stamp = stamp
        return None

    def _remember(self, events: list[Event]) -> None:
        self.errors += [event.message for event in events if event.is_error]
        self.has_missing |= any(event.is_missing for event in events)
        # Only planned changes: events about drift also have an address and an action.
        self.changes += [
            event for event in events if event.state is ResourceState.PENDING and event.action not in _CHANGES_NOTHING
        ]

    async def _log_crash(self, code: int | None) -> None:
        """Log Terraform's standard error, to which it writes crashes."""
        stderr = storable(self._step.file("err").read_text(errors="replace")).strip()
        if stderr:
            await self._claim.log(stderr, LogLevel.ERROR)
            self.errors.append(stderr)
        # Something must explain the failure, even if Terraform could not: its output may have met a full disk.
        if not self.errors:
            silent = f"Terraform ended with exit code {code} without an error message."
            self.errors.append("Terraform was killed." if code is None else silent)
