"""Restart: Google presses the machine's reset button, and what boots is waited for as a new machine is."""

from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from app.infra.google import OperationFailedError
from app.models import LogLevel, Workstation
from app.worker.errors import GOOGLE_ERRORS, CanceledError, RunFailedError, TransientError, is_transient
from app.worker.kinds.workstation import MachineKind
from app.worker.readiness import Place, place_of
from app.worker.retry import retry


class Restart(MachineKind):
    """However many attempts there are, the button is pressed once: Google knows the request by its id, and the run
    when Google took it."""

    async def reach(self) -> None:
        """Raises RunFailedError when Google refuses or nothing boots, CanceledError when nothing was begun yet."""
        place = await place_of(self.claim, self.stack_id)
        reset_at = await retry(self.claim, self.commands, lambda: self._reset(place))
        await self.wait_until_ready(place, reset_at)

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
            raise (TransientError if is_transient(error) else RunFailedError)(str(error)) from error
