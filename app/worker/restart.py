"""A restart: Google presses the machine's reset button, and what boots is waited for as a new machine is."""

from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from google.api_core.exceptions import GoogleAPICallError, ServerError, TooManyRequests

from app.infra.google import OperationFailedError
from app.models import LogLevel, Workstation
from app.worker.claim import Claim
from app.worker.commands import Commands
from app.worker.completion import Completion
from app.worker.errors import GOOGLE_ERRORS, CanceledError, RunFailedError, TransientError
from app.worker.readiness import Place
from app.worker.retry import persist


@dataclass
class Restart:
    """One attempt at it. However many there are, the button is pressed once: Google knows the request by its id, and
    the run when Google took it."""

    claim: Claim
    commands: Commands
    stack_id: str

    async def run(self) -> None:
        """Restart the machine and settle the run.

        Raises RunFailedError when Google refuses or nothing boots, CanceledError when nothing was begun yet.
        """
        settlement = Completion(self.claim, self.commands, self.stack_id)
        place = await settlement.place()
        reset_at = await persist(self.claim, self.commands, lambda: self._reset(place))
        await settlement.machine(booted_since=reset_at)

    async def _reset(self, place: Place) -> datetime:
        """Press the button, unless that is done; returns when Google took the order."""
        async with self.claim.writing() as (session, run):
            if run.reset_at:
                return run.reset_at
            if run.cancel:
                raise CanceledError
            run.begin_apply(self.claim.tools.clock())
            await self.claim.log_in(session, run, f"Restarting {place.instance}.")
        reset_at = await self._press(place)
        async with self.claim.writing() as (session, run):
            run.reset_at = reset_at
            (await session.get_one(Workstation, self.stack_id, with_for_update=True)).begin_restart()
        return reset_at

    async def _press(self, place: Place) -> datetime:
        request_id = str(uuid5(NAMESPACE_URL, f"stationmaster:run:{self.claim.run_id}"))
        try:
            return await self.claim.tools.compute.restart(place.zone, place.instance, request_id)
        except OperationFailedError as error:
            raise RunFailedError(str(error)) from error
        except GOOGLE_ERRORS as error:
            await self.claim.log(str(error), LogLevel.ERROR)
            passes = isinstance(error, (ServerError, TooManyRequests)) or not isinstance(error, GoogleAPICallError)
            raise (TransientError if passes else RunFailedError)(str(error)) from error
