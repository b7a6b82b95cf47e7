"""/api/v1/workstations/{id}/idle-stop: when a workstation is stopped that nobody uses."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from app.deps import ContextDep, WorkstationDep
from app.models import Workstation
from app.routers.api.shapes import errors
from app.services.context import Context
from app.services.workstations import idle_stops
from app.services.workstations.idle_stops import IdleStopSpec, KeepSpec

router = APIRouter(
    prefix="/api/v1/workstations/{workstation_id}/idle-stop",
    tags=["workstations"],
    responses=errors(401, 403, 404, 409, 422),
)


class IdleStopState(BaseModel):
    """The idle stop, and how the machine stands."""

    minutes: int | None
    """The owner's choice: 0 for never, null for the team's default."""
    counts_minutes: int | None
    """After how many idle minutes it is stopped by the choice and the team's policy; null for never."""
    in_use: list[str]
    """What it is used for, by its newest report; what is unknown counts as use."""
    idle_since: datetime | None
    """Null while it is in use, or not running."""
    stops_at: datetime | None
    """When it is stopped if it stays idle."""
    kept_until: datetime | None
    """Until when nothing but its end date stops it."""


async def _state(ctx: Context, workstation: Workstation) -> IdleStopState:
    state = await idle_stops.of(ctx, workstation)
    return IdleStopState(
        minutes=state.choice,
        counts_minutes=int(state.after.total_seconds() // 60) if state.after else None,
        in_use=state.uses,
        idle_since=state.idle_since,
        stops_at=state.stops_at,
        kept_until=state.kept_until,
    )


@router.get("")
async def read_idle_stop(workstation: WorkstationDep, ctx: ContextDep) -> IdleStopState:
    """Its idle stop."""
    return await _state(ctx, workstation)


@router.put("")
async def set_idle_stop(workstation: WorkstationDep, spec: IdleStopSpec, ctx: ContextDep) -> IdleStopState:
    """Choose after how many idle minutes it is stopped, within the bounds of the team's policy."""
    await idle_stops.change(ctx, workstation, spec.minutes)
    return await _state(ctx, workstation)


@router.post("/keep")
async def keep_running(workstation: WorkstationDep, spec: KeepSpec, ctx: ContextDep) -> IdleStopState:
    """Keep it running for so many hours. A shorter time than it is kept for already changes nothing."""
    await idle_stops.keep(ctx, workstation, spec.hours)
    return await _state(ctx, workstation)


@router.delete("/keep", status_code=204)
async def stop_keeping_running(workstation: WorkstationDep, ctx: ContextDep) -> None:
    """Keep it running no longer."""
    await idle_stops.stop_keeping(ctx, workstation)
