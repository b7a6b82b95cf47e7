"""/api/v1/capacity: what was last seen of Google's capacity."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from app.deps import ContextDep
from app.routers.api.shapes import errors
from app.services.catalog import zone_capacities

router = APIRouter(prefix="/api/v1/capacity", tags=["workstations"], responses=errors(401, 403, 422))


class CapacityAnswer(BaseModel):
    """What runs of all members last met in one zone."""

    model_config = ConfigDict(from_attributes=True)

    zone: str
    machine_type: str
    spot: bool
    has_any: bool
    """Whether the last one who asked got one."""
    found_at: datetime | None
    """When Google last had one."""
    none_at: datetime | None
    """When it last had none."""


@router.get("")
async def read_capacity(
    ctx: ContextDep,
    machine_type: Annotated[str, Query(max_length=100, description="A machine type, such as `g2-standard-8`.")],
) -> list[CapacityAnswer]:
    """What was seen of a machine type within the last 7 days, or of others with the same GPUs; the newest first."""
    seen = await zone_capacities.of(ctx.session, ctx.catalog, ctx.now, machine_type)
    return [CapacityAnswer.model_validate(each) for each in seen]
