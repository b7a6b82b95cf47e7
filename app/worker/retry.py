"""Trying again: at once after a kill, after a while for what is usually temporary, and not for ever."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import structlog

from app.models import LogLevel
from app.services.lifecycle import MAX_INTERRUPTIONS
from app.worker.claim import Claim
from app.worker.commands import WATCH_SECONDS, Commands
from app.worker.errors import KilledError, RunFailedError, TransientError

log = structlog.get_logger()
BACK_OFF_SECONDS = (1, 5, 20, 60, 120)
"""Waits between the tries of a run that meets what is usually temporary."""
T = TypeVar("T")


async def retry(claim: Claim, commands: Commands, attempt: Callable[[], Awaitable[T]]) -> T:
    """What `attempt` returns once it succeeds. Raises RunFailedError when it was tried often enough."""
    while True:
        try:
            return await attempt()
        except KilledError as error:
            await _begin_anew(claim, str(error))
        except TransientError as error:
            await _back_off(claim, commands, str(error))


async def _begin_anew(claim: Claim, error: str) -> None:
    """Raises RunFailedError when it was killed too often: it may be the run that has it killed."""
    async with claim.writing() as (session, run):
        if run.interruptions >= MAX_INTERRUPTIONS:
            raise RunFailedError(error)
        run.begin_anew()
        await claim.log_in(session, run, "Terraform was killed. Starting again.", LogLevel.WARN)


async def _back_off(claim: Claim, commands: Commands, error: str) -> None:
    async with claim.writing() as (session, run):
        if run.retries >= len(BACK_OFF_SECONDS):
            raise RunFailedError(error)
        seconds, most = BACK_OFF_SECONDS[run.retries], len(BACK_OFF_SECONDS)
        until = claim.tools.clock() + timedelta(seconds=seconds)
        run.try_again(until)
        message = f"This is usually temporary. Trying again in {seconds} s ({run.retries} of {most})."
        await claim.log_in(session, run, message, LogLevel.WARN)
    log.info("run will be tried again", seconds=seconds, error=error)
    while claim.tools.clock() < until:
        await commands.pause(WATCH_SECONDS)
    async with claim.writing() as (_, run):
        run.resume()
