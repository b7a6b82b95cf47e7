"""One action on several workstations at once, each by itself: what one refuses, the others do."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.errors import ConflictError, StationmasterError
from app.models import Run, RunKind, Workstation
from app.services.context import Context
from app.services.workstations import orders
from app.services.workstations.listing import WORKSTATIONS_A_PAGE
from app.services.workstations.queries import find
from app.services.workstations.requests import request_destroy

MOST = WORKSTATIONS_A_PAGE
"""So many at once: as many as a page of the list has."""


class BulkAction(StrEnum):
    """What can be done with several workstations."""

    START = "start"
    STOP = "stop"
    DELETE = "delete"
    """Their data disks are kept."""


@dataclass(frozen=True)
class Outcome:
    """What became of one workstation."""

    workstation: Workstation
    run: Run | None = None
    problem: str | None = None
    """Why there is no run, in a sentence."""


async def act(ctx: Context, action: BulkAction, workstation_ids: Sequence[str]) -> list[Outcome]:
    """Request the action for each of them. Raises NotFoundError for an ID that does not exist."""
    outcomes = []
    for workstation_id in dict.fromkeys(workstation_ids[:MOST]):
        workstation = await find(ctx.session, ctx.member, workstation_id)
        try:
            async with ctx.session.begin_nested():
                outcomes.append(Outcome(workstation, run=await _request(ctx, action, workstation)))
        except StationmasterError as error:
            outcomes.append(Outcome(workstation, problem=str(error)))
    return outcomes


async def _request(ctx: Context, action: BulkAction, workstation: Workstation) -> Run:
    if action is BulkAction.DELETE:
        if workstation.is_destroyed:
            raise ConflictError(f"{workstation.name} has already been deleted.")
        return await request_destroy(ctx, workstation, keep_disk=True)
    return await orders.request(ctx, workstation, RunKind(action))
