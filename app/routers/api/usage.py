"""/api/v1/workstations/{id}/usage: what a workstation's machine does."""

from fastapi import APIRouter
from pydantic import BaseModel

from app.deps import ContextDep, WorkstationDep
from app.models.activity import Activity, Minute
from app.routers.api.shapes import errors
from app.services.workstations import activities
from app.services.workstations.activities import Span

router = APIRouter(
    prefix="/api/v1/workstations/{workstation_id}/usage", tags=["workstations"], responses=errors(401, 403, 404, 422)
)


class UsageAnswer(BaseModel):
    """What a machine does. Null is unknown, which is not idle."""

    newest: Activity | None
    """The agent's last record; null if there is none since the machine was started."""
    is_current: bool
    """Whether it is at most five minutes old."""
    step_minutes: int
    steps: list[Minute]
    """The numbers of each step, oldest first; a step of which nothing is known is left out."""


@router.get("")
async def read_usage(workstation: WorkstationDep, ctx: ContextDep, span: Span = Span.HOUR) -> UsageAnswer:
    """What it does, and did in the last hour, day, week or month, in steps of 1, 10, 60 and 60 minutes."""
    activity = workstation.activity
    return UsageAnswer(
        newest=activity,
        is_current=activity is not None and activity.is_current(ctx.now),
        step_minutes=span.step,
        steps=await activities.in_span(ctx, workstation, span),
    )
