"""/api/v1/workstations/{id}/end-date and /keep: how long a workstation stays."""

from datetime import date, datetime

from fastapi import APIRouter
from pydantic import BaseModel

from app.deps import ContextDep, WorkstationDep
from app.models import Workstation
from app.routers.api.shapes import errors
from app.services.workstations import lifetimes
from app.services.workstations.lifetimes import EndDateSpec

router = APIRouter(
    prefix="/api/v1/workstations/{workstation_id}",
    tags=["workstations"],
    responses=errors(401, 403, 404, 409, 422),
)


class EndDateState(BaseModel):
    """The end date, and what follows from it."""

    ends_on: date | None
    """The last day on which it is used; null if it has none."""
    stops_at: datetime | None
    """When it is stopped: when that day is over everywhere on Earth."""
    deletes_at: datetime | None
    """When it is deleted, except for its data disk; null until it was stopped."""

    @classmethod
    def of(cls, workstation: Workstation) -> "EndDateState":
        """As it is now."""
        return cls(ends_on=workstation.ends_on, stops_at=workstation.ends_at, deletes_at=workstation.deletes_at)


@router.get("/end-date")
async def read_end_date(workstation: WorkstationDep) -> EndDateState:
    """Its end date."""
    return EndDateState.of(workstation)


@router.put("/end-date")
async def set_end_date(workstation: WorkstationDep, spec: EndDateSpec, ctx: ContextDep) -> EndDateState:
    """Set or extend its end date, today (UTC) or later. A machine that was stopped for its end date stays stopped."""
    await lifetimes.change(ctx, workstation, spec.ends_on)
    return EndDateState.of(workstation)


@router.delete("/end-date", status_code=204)
async def remove_end_date(workstation: WorkstationDep, ctx: ContextDep) -> None:
    """Remove its end date."""
    await lifetimes.remove(ctx, workstation)


@router.post("/keep", status_code=204)
async def keep_workstation(workstation: WorkstationDep, ctx: ContextDep) -> None:
    """Keep a machine that nobody has started for long: its owner is asked again after as long."""
    await lifetimes.keep(ctx, workstation)
