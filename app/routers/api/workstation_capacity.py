"""/api/v1/workstations/{id}/capacity: what a workstation does when Google has no capacity for it."""

from fastapi import APIRouter

from app.deps import ContextDep, WorkstationDep
from app.routers.api.shapes import errors
from app.services.workstations import capacity
from app.services.workstations.capacity import CapacityWishes

router = APIRouter(
    prefix="/api/v1/workstations/{workstation_id}/capacity",
    tags=["workstations"],
    responses=errors(401, 403, 404, 409, 422),
)


@router.get("")
async def read_capacity_wishes(workstation: WorkstationDep) -> CapacityWishes:
    """What is to happen if Google has no capacity."""
    return CapacityWishes.of(workstation)


@router.put("")
async def set_capacity_wishes(workstation: WorkstationDep, wishes: CapacityWishes, ctx: ContextDep) -> CapacityWishes:
    """Set it. A start that waits or is queued follows."""
    await capacity.change(ctx, workstation, wishes)
    return wishes
