"""Trying again: at once after a kill, after a while when trouble passes as a rule, and not for ever."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import structlog

from app.models import LogLevel
from app.worker.claim import MAX_INTERRUPTIONS, Claim
from app.worker.commands import Commands
from app.worker.errors import KilledError, RunFailedError, TransientError

log = structlog.get_logger()
BACK_OFF_SECONDS = (1, 5, 20, 60, 120)
"""Waits between the tries of a run that meets trouble which passes as a rule."""
PAUSE_SECONDS = 0.3
T = TypeVar("T")


async def persist(claim: Claim, commands: Commands, attempt: Callable[[], Awaitable[T]]) -> T:
    """What `attempt` returns once it succeeds. Raises RunFailedError when it was tried often enough."""
    while True:
        try:
            return await attempt()
        except KilledError as trouble:
            await _begin_anew(claim, str(trouble))
        except TransientError as trouble:
            await _wait_for_better(claim, commands, str(trouble))


async def _begin_anew(claim: Claim, trouble: str) -> None:
    """Raises RunFailedError when it was killed too often: it may be the run that has it killed."""
    async with claim.writing() as (session, run):
        if run.interruptions >= MAX_INTERRUPTIONS:
            raise RunFailedError(trouble)
        run.begin_anew()
        await claim.log_in(session, run, "Terraform was killed. Beginning anew.", LogLevel.WARN)


async def _wait_for_better(claim: Claim, commands: Commands, trouble: str) -> None:
    async with claim.writing() as (session, run):
        if run.retries >= len(BACK_OFF_SECONDS):
            raise RunFailedError(trouble)
        seconds, most = BACK_OFF_SECONDS[run.retries], len(BACK_OFF_SECONDS)
        until = claim.tools.clock() + timedelta(seconds=seconds)
        run.try_again(until)
        told = f"This passes as a rule. Trying again in {seconds} s ({run.retries} of {most})."
        await claim.log_in(session, run, told, LogLevel.WARN)
    log.info("run will be tried again", seconds=seconds, trouble=trouble)
    while claim.tools.clock() < until:
        await commands.pause(PAUSE_SECONDS)
    async with claim.writing() as (_, run):
        run.resume()
