"""/api/v1/team/policy: times that count for all workstations."""

from fastapi import APIRouter

from app.deps import AdminDep, ContextDep, MemberDep
from app.routers.api.shapes import errors
from app.services.people import team_policy
from app.services.people.team_policy import TeamPolicy

router = APIRouter(prefix="/api/v1/team/policy", tags=["members"], responses=errors(401, 403, 422))


@router.get("")
async def read_policy(ctx: ContextDep, _: MemberDep) -> TeamPolicy:
    """The team's policy."""
    return await team_policy.of_team(ctx.session)


@router.put("")
async def set_policy(policy: TeamPolicy, ctx: ContextDep, _: AdminDep) -> TeamPolicy:
    """Set it, for what is decided from now on. What is left out has its default."""
    await team_policy.change(ctx, policy)
    return policy
