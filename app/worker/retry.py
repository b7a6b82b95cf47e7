"""Retries an attempt at a run: at once after a kill, with back-off after transient errors, and a limited number of
times."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

import structlog
from sqlalchemy.exc import OperationalError

from app.db import RECONNECT_SECONDS
from app.infra import disk, hints
from app.models import LogLevel
from app.services.lifecycle import MAX_INTERRUPTIONS
from app.worker.claim import Claim
from app.worker.commands import WATCH_SECONDS, Commands
from app.worker.errors import DiskFullError, KilledError, RunFailedError, TooSoonError, TransientError

log = structlog.get_logger()
BACK_OFF_SECONDS = (1, 5, 20, 60, 120)
"""Seconds before each retry after a transient error."""
FULL_SECONDS = (1, 5, 20, 60)
"""Seconds between checks for space on a full disk; the last one repeats."""
TOO_SOON_SECONDS = 300
"""Seconds between tries of what Google does only so often in an hour. Others may have it done as well, so when the
next one is possible is known to Google alone."""
T = TypeVar("T")


async def retry(claim: Claim, commands: Commands, attempt: Callable[[], Awaitable[T]]) -> T:
    """The result of `attempt`, once it succeeds. Raises RunFailedError after too many retries."""
    full = 0
    while True:
        try:
            return await _attempt(commands, attempt)
        except KilledError as error:
            await _start_over(claim, str(error))
        except DiskFullError as error:
            message = f"{error} The run continues when there is space."
            await _hold(claim, commands, message, FULL_SECONDS[min(full, len(FULL_SECONDS) - 1)])
            full += 1
        except TooSoonError as error:
            message = f"{hints.find(str(error)).title} The run continues with the next one."
            await _hold(claim, commands, message, TOO_SOON_SECONDS)
        except TransientError as error:
            await _back_off(claim, commands, str(error))
        except OperationalError as error:
            # The database answers, or we would have waited for it, but cannot write: its own disk may be full.
            log.warning("the run's progress cannot be stored, will try again", error=str(error.orig))
            await commands.pause(RECONNECT_SECONDS)


async def _attempt(commands: Commands, attempt: Callable[[], Awaitable[T]]) -> T:
    """Call `attempt`. Raises TransientError for errors of the operating system."""
    try:
        return await attempt()
    except OSError as error:
        if disk.is_full(error):
            raise DiskFullError(disk.shortage(commands.folder.places)) from error
        raise TransientError(str(error)) from error


async def _start_over(claim: Claim, error: str) -> None:
    """Prepare another attempt after a kill. Raises RunFailedError after too many."""
    async with claim.writing() as (session, run):
        # Several kills suggest that the run itself causes them, for example with too much memory.
        if run.interruptions >= MAX_INTERRUPTIONS:
            raise RunFailedError(error)
        run.start_over()
        await claim.log_in(session, run, "Terraform was killed. Starting again.", LogLevel.WARN)


async def _back_off(claim: Claim, commands: Commands, error: str) -> None:
    async with claim.writing() as (session, run):
        # An error that lasts for minutes is unlikely to be transient.
        if run.retries >= len(BACK_OFF_SECONDS):
            raise RunFailedError(error)
        seconds, most = BACK_OFF_SECONDS[run.retries], len(BACK_OFF_SECONDS)
        until = claim.tools.clock() + timedelta(seconds=seconds)
        run.schedule_retry(until)
        message = f"This is usually temporary. Trying again in {seconds} s ({run.retries} of {most})."
        await claim.log_in(session, run, message, LogLevel.WARN)
    log.info("run will be tried again", seconds=seconds, error=error)
    await _wait(claim, commands, until)


async def _hold(claim: Claim, commands: Commands, message: str, seconds: int) -> None:
    """Wait for what is no fault of the run, such as a full disk of this worker, so that it does not count."""
    async with claim.writing() as (session, run):
        until = claim.tools.clock() + timedelta(seconds=seconds)
        run.schedule_retry(until, counts=False)
        await claim.log_in(session, run, f"{message} Trying again in {seconds} s.", LogLevel.WARN)
    log.warning("run is held up", seconds=seconds, reason=message)
    await _wait(claim, commands, until)


async def _wait(claim: Claim, commands: Commands, until: datetime) -> None:
    # In short steps, so that the run can be canceled or handed over meanwhile.
    while claim.tools.clock() < until:
        await commands.pause(WATCH_SECONDS)
    async with claim.writing() as (_, run):
        run.resume()
