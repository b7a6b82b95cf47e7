"""/api/v1/members: read, change the role. For admins."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from app.deps import AdminDep, ContextDep, IdPath
from app.models import Member, Role
from app.routers.api.shapes import errors
from app.routers.paging import Limit, Offset
from app.services.people import members

router = APIRouter(prefix="/api/v1/members", tags=["members"], responses=errors(401, 403, 422))


class MemberAnswer(BaseModel):
    """Somebody who has signed in."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    email: str
    name: str
    role: Role
    created_at: datetime
    last_seen_at: datetime


class ListedMember(MemberAnswer):
    """The same among all others."""

    workstations: int = Field(description="How many machines are theirs.")


class Members(BaseModel):
    """A page of members, admins first, then by address."""

    items: list[ListedMember]


class MemberChange(BaseModel):
    """What becomes of a member."""

    model_config = ConfigDict(extra="forbid")

    role: Role


@router.get("")
async def list_members(ctx: ContextDep, _: AdminDep, limit: Limit = 50, offset: Offset = 0) -> Members:
    """Everybody who has signed in."""
    found = await members.list_of(ctx, limit=limit, offset=offset)
    return Members(items=[_listed(entry.member, entry.workstations) for entry in found])


def _listed(member: Member, workstations: int) -> ListedMember:
    return ListedMember(**MemberAnswer.model_validate(member).model_dump(), workstations=workstations)


@router.patch("/{member_id}", responses=errors(404, 409))
async def change_member(member_id: IdPath, change: MemberChange, ctx: ContextDep, _: AdminDep) -> MemberAnswer:
    """Make somebody admin, or member again, from their next request on; not oneself."""
    member = await members.find(ctx.session, member_id)
    await members.change_role(ctx, member, change.role)
    return MemberAnswer.model_validate(member)
