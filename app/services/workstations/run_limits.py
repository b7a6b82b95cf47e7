"""The team's limit of how long a machine may run, which Google enforces also while the portal is down."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Run, RunKind
from app.services import runs
from app.services.people import team_policy

_CREATES = {RunKind.PROVISION, RunKind.UPDATE}
"""Kinds of runs that can create a machine."""


async def of_team(session: AsyncSession) -> timedelta | None:
    """The limit that counts for machines that are created or started now; None for none."""
    return (await team_policy.of_team(session)).run_limit


async def bind(session: AsyncSession, run: Run) -> None:
    """Set it in a run that is being claimed: the policy may have changed since it was requested."""
    if run.kind in _CREATES:
        hours = (await team_policy.of_team(session)).run_limit_hours
        run.inputs = {**run.inputs, runs.RUN_LIMIT_INPUT: hours}
