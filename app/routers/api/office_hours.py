"""/api/v1/workstations/{id}/office-hours: when a workstation is started and stopped."""

from datetime import date, datetime

from fastapi import APIRouter
from pydantic import BaseModel

from app.deps import ContextDep, WorkstationDep
from app.models import RunKind, Workstation
from app.models.office_hours import Day
from app.routers.api.shapes import errors
from app.services.context import Context
from app.services.workstations import office_hours
from app.services.workstations.office_hours import OfficeHoursSpec

router = APIRouter(
    prefix="/api/v1/workstations/{workstation_id}/office-hours",
    tags=["workstations"],
    responses=errors(401, 403, 404, 409, 422),
)


class OfficeHoursAnswer(BaseModel):
    """When a workstation is started and stopped."""

    start: str | None
    stop: str | None
    days: list[Day]
    time_zone: str


class OfficeHoursState(BaseModel):
    """Office hours, and what comes next."""

    office_hours: OfficeHoursAnswer | None
    """Null if it has none."""
    skips: date | None
    """The day that is skipped; null if it is over, or none is."""
    next_order: RunKind | None
    """What is requested next: `start` or `stop`."""
    next_at: datetime | None


def _state(ctx: Context, workstation: Workstation) -> OfficeHoursState:
    hours, skips = workstation.hours, workstation.office_hours_skip
    moment = hours.next(ctx.now, skips=skips) if hours else None
    return OfficeHoursState.model_validate(
        {
            "office_hours": workstation.office_hours,
            "skips": skips if workstation.is_skipping(ctx.now) else None,
            "next_order": moment.order if moment else None,
            "next_at": moment.at if moment else None,
        }
    )


@router.get("")
async def read_office_hours(workstation: WorkstationDep, ctx: ContextDep) -> OfficeHoursState:
    """Its office hours."""
    return _state(ctx, workstation)


@router.put("")
async def set_office_hours(workstation: WorkstationDep, spec: OfficeHoursSpec, ctx: ContextDep) -> OfficeHoursState:
    """Set its office hours. Moments before now do not count."""
    await office_hours.change(ctx, workstation, spec)
    return _state(ctx, workstation)


@router.delete("", status_code=204)
async def end_office_hours(workstation: WorkstationDep, ctx: ContextDep) -> None:
    """Turn its office hours off."""
    await office_hours.end(ctx, workstation)


@router.post("/skip")
async def skip_office_hours(workstation: WorkstationDep, ctx: ContextDep) -> OfficeHoursState:
    """Skip their next day, or what is left of the current one."""
    await office_hours.skip(ctx, workstation)
    return _state(ctx, workstation)


@router.delete("/skip", status_code=204)
async def resume_office_hours(workstation: WorkstationDep, ctx: ContextDep) -> None:
    """Skip no day."""
    await office_hours.resume(ctx, workstation)
