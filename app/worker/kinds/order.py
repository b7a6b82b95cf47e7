"""Orders to Google's Compute API: start, stop and reset."""

from datetime import datetime
from typing import ClassVar
from uuid import NAMESPACE_URL, uuid5

from app.infra import hints
from app.infra.machines import OperationFailedError, Power
from app.models import LogLevel, Run, Workstation
from app.worker.claim import Claim
from app.worker.errors import (
    GOOGLE_ERRORS,
    CanceledError,
    RunFailedError,
    StockOutError,
    TransientError,
    is_transient,
)
from app.worker.kinds.base import Kind
from app.worker.readiness import Place
from app.worker.retry import retry


class OrderKind(Kind):
    """An order about a machine. It is carried out once, however many attempts there are: Google recognises the
    request ID, and the run records when Google accepted it."""

    power: ClassVar[Power]
    announcement: ClassVar[str]
    """The log message before the order, with {} for the machine's name."""

    async def order(self, place: Place) -> datetime:
        """Give the order; returns when Google accepted it.

        Raises RunFailedError if Google refuses, CanceledError if the run was canceled before.
        """
        return await retry(self.claim, self.commands, lambda: self._try(place))

    async def is_ordered(self) -> bool:
        """Whether Google has accepted the order in an earlier attempt."""
        async with self.claim.tools.database.sessions() as session:
            return (await session.get_one(Run, self.claim.run_id)).ordered_at is not None

    def ordered(self, workstation: Workstation) -> None:
        """Update the workstation after Google has carried out the order."""

    async def _try(self, place: Place) -> datetime:
        async with self.claim.writing() as (session, run):
            # An earlier attempt has given the order.
            if run.ordered_at:
                return run.ordered_at
            # After the order, canceling would have no effect.
            if run.cancel:
                raise CanceledError
            run.begin_apply(self.claim.tools.clock())
            await self.claim.log_in(session, run, self.announcement.format(place.instance))
            rounds = run.rounds
        ordered_at = await give_order(self.claim, self.power, place, rounds)
        async with self.claim.writing() as (session, run):
            run.ordered_at = ordered_at
            self.ordered(await session.get_one(Workstation, self.stack_id, with_for_update=True))
        return ordered_at


async def give_order(claim: Claim, power: Power, place: Place, rounds: int = 0) -> datetime:
    """Send the order with an ID that is the same in every attempt. Raises RunFailedError or TransientError.

    :param rounds: how often Google had no capacity for it.
    """
    # The same ID for all attempts of a round: Google carries it out once, and repeats its answer.
    request_id = str(uuid5(NAMESPACE_URL, f"stationmaster:run:{claim.run_id}:{power}{rounds or ''}"))
    try:
        return await claim.tools.compute.order(power, place.zone, place.instance, request_id)
    except OperationFailedError as error:
        raise (StockOutError if hints.is_stock_out(str(error)) else RunFailedError)(str(error)) from error
    except GOOGLE_ERRORS as error:
        # A transient error is shown as the reason for the retry.
        await claim.log(str(error), LogLevel.ERROR)
        raise (TransientError if is_transient(error) else RunFailedError)(str(error)) from error
