"""What those kinds share that are one order to Google: start, stop, reset."""

from datetime import datetime
from typing import ClassVar
from uuid import NAMESPACE_URL, uuid5

from app.infra.machines import OperationFailedError, Power
from app.models import LogLevel, Workstation
from app.worker.claim import Claim
from app.worker.errors import GOOGLE_ERRORS, CanceledError, RunFailedError, TransientError, is_transient
from app.worker.kinds.base import Kind
from app.worker.readiness import Place
from app.worker.retry import retry


class OrderKind(Kind):
    """However many attempts there are, the order is given once: Google knows the request by its id, and the run when
    Google took it."""

    power: ClassVar[Power]
    announcement: ClassVar[str]
    """The log's line before it, with the machine's name in place of {}."""

    async def order(self, place: Place) -> datetime:
        """Give the order; returns when Google took it.

        Raises RunFailedError when Google refuses, CanceledError when somebody was quicker.
        """
        return await retry(self.claim, self.commands, lambda: self._try(place))

    def ordered(self, workstation: Workstation) -> None:
        """Google has carried it out."""

    async def _try(self, place: Place) -> datetime:
        async with self.claim.writing() as (session, run):
            if run.ordered_at:
                return run.ordered_at
            if run.cancel:
                raise CanceledError
            run.begin_apply(self.claim.tools.clock())
            await self.claim.log_in(session, run, self.announcement.format(place.instance))
        ordered_at = await give_order(self.claim, self.power, place)
        async with self.claim.writing() as (session, run):
            run.ordered_at = ordered_at
            self.ordered(await session.get_one(Workstation, self.stack_id, with_for_update=True))
        return ordered_at


async def give_order(claim: Claim, power: Power, place: Place) -> datetime:
    """Once, as far as Google is concerned. Raises RunFailedError, or TransientError for what is worth another try."""
    request_id = str(uuid5(NAMESPACE_URL, f"stationmaster:run:{claim.run_id}:{power}"))
    try:
        return await claim.tools.compute.order(power, place.zone, place.instance, request_id)
    except OperationFailedError as error:
        raise RunFailedError(str(error)) from error
    except GOOGLE_ERRORS as error:
        await claim.log(str(error), LogLevel.ERROR)
        raise (TransientError if is_transient(error) else RunFailedError)(str(error)) from error
