"""A restart: Google presses the machine's reset button, and what boots is waited for as a new machine is."""

from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from google.api_core.exceptions import GoogleAPICallError, ServerError, TooManyRequests

from app.models import LogLevel
from app.worker.arrival import Place
from app.worker.claim import Claim
from app.worker.commands import Commands
from app.worker.persist import persist
from app.worker.settle import Settlement
from app.worker.trouble import GOOGLE_TROUBLE, PassingTroubleError, RunFailedError


@dataclass
class Restart:
    """One attempt at it. However many there are, the button is pressed once: Google knows the request by its id."""

    claim: Claim
    commands: Commands
    stack_id: str

    async def run(self) -> None:
        """Restart the machine and settle the run. Raises RunFailedError when Google refuses or nothing boots."""
        settlement = Settlement(self.claim, self.commands, self.stack_id)
        place = await settlement.place()
        pressed_at = await persist(self.claim, self.commands, lambda: self._press(place))
        await settlement.machine(booted_since=pressed_at)

    async def _press(self, place: Place) -> datetime:
        async with self.claim.writing() as (session, run):
            run.begin_apply(self.claim.tools.clock())
            await self.claim.tell(session, run, f"Restarting {place.instance}.")
        request_id = str(uuid5(NAMESPACE_URL, f"stationmaster:run:{self.claim.run_id}"))
        try:
            return await self.claim.tools.compute.restart(place.zone, place.instance, request_id)
        except GOOGLE_TROUBLE as error:
            await self.claim.say(str(error), LogLevel.ERROR)
            passes = isinstance(error, (ServerError, TooManyRequests)) or not isinstance(error, GoogleAPICallError)
            raise (PassingTroubleError if passes else RunFailedError)(str(error)) from error
