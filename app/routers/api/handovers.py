"""Handing a workstation over to another member, as JSON."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from app.deps import AdminDep, ContextDep, WorkstationDep
from app.routers.api.shapes import errors
from app.routers.api.workstation_answers import WorkstationAnswer, answer
from app.services import runs
from app.services.offboarding import handovers

router = APIRouter(prefix="/api/v1/workstations", tags=["workstations"], responses=errors(401, 403, 404, 409, 422))


class HandoverTo(BaseModel):
    """Who is to have a workstation."""

    model_config = ConfigDict(extra="forbid")

    owner: str = Field(description="Email address of the new owner.", examples=["linus@example.com"])
    name: str | None = Field(None, description="What they call it; null for the same name.")


@router.post("/{workstation_id}/hand-over")
async def hand_over_workstation(
    workstation: WorkstationDep, to: HandoverTo, ctx: ContextDep, _: AdminDep
) -> WorkstationAnswer:
    """Hand a workstation or a kept disk over to another member. For admins.

    A run replaces the owner's SSH keys; `run_id` is that run. A kept disk has none, and keeps its newest one.
    """
    owner = await handovers.new_owner(ctx, to.owner)
    await handovers.hand_over(ctx, workstation, owner, workstation.name if to.name is None else to.name)
    newest = await runs.newest_ids(ctx.session, [workstation.id])
    return answer(workstation, owner, newest.get(workstation.id), ctx.catalog)
