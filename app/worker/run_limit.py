"""Gives a stopped machine the team's run limit before it is started."""

from datetime import timedelta

from app.infra.machines import OperationFailedError
from app.models import LogLevel
from app.services.workstations import run_limits
from app.worker.claim import Claim
from app.worker.errors import GOOGLE_ERRORS, TransientError, is_transient
from app.worker.readiness import Place


async def renew(claim: Claim, place: Place) -> None:
    """Set the limit as it is now. What Google refuses is logged, and keeps nobody from starting the machine.

    Raises TransientError while Google cannot be asked.
    """
    async with claim.tools.database.sessions() as session:
        limit = await run_limits.of_team(session)
    try:
        has_changed = await claim.tools.compute.run_limits.set(place.zone, place.instance, limit)
    except (*GOOGLE_ERRORS, OperationFailedError) as error:
        if not isinstance(error, OperationFailedError) and is_transient(error):
            raise TransientError(str(error)) from error
        await claim.log(f"The run limit could not be set: {error}", LogLevel.WARN)
        return
    if has_changed:
        hours = (
            f"Google stops it after {limit // timedelta(hours=1)} hours" if limit else "the machine has none any more"
        )
        await claim.log(f"The run limit has changed: {hours}.")
