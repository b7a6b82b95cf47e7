"""/api/v1/members and /api/v1/team: read, change roles and limits. For admins."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from app.deps import AdminDep, ContextDep, IdPath
from app.models import Role
from app.routers.api.shapes import errors
from app.routers.paging import Limit, Offset
from app.services.people import limits, members
from app.services.people.limits import HIGHEST, Chosen, Counts
from app.services.people.members import ListedMember

router = APIRouter(prefix="/api/v1", tags=["members"], responses=errors(401, 403, 422))
ChosenLimit = Annotated[int | None, Field(ge=0, le=HIGHEST)]


class LimitsAnswer(BaseModel):
    """How many workstations somebody may have."""

    workstations: int
    gpu_workstations: int = Field(description="Those with a GPU, which count as workstations as well.")

    @classmethod
    def of(cls, counts: Counts) -> Self:
        """The answer for these counts."""
        return cls(workstations=counts.workstations, gpu_workstations=counts.gpus)


class MemberAnswer(BaseModel):
    """A member: somebody who has signed in."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    email: str
    name: str
    role: Role
    created_at: datetime
    last_seen_at: datetime

    workstation_limit: int | None = Field(description="Workstations they may have; null for the team's limit.")
    gpu_workstation_limit: int | None = Field(
        description="Workstations with a GPU that they may have; null for the team's limit."
    )


class ListedMemberAnswer(MemberAnswer):
    """A member as in the list of members."""

    workstations: int = Field(description="How many workstations they have.")
    gpu_workstations: int = Field(description="How many of them have a GPU, or are about to get one.")
    limits: LimitsAnswer = Field(description="What they may have, by their own limit or the team's.")


class Members(BaseModel):
    """A page of members: admins first, then by email address."""

    items: list[ListedMemberAnswer]


class MemberChange(BaseModel):
    """Changes to a member. Fields that are omitted stay the same."""

    model_config = ConfigDict(extra="forbid")

    role: Role | None = None
    workstation_limit: ChosenLimit = Field(None, description="null for the team's limit.")
    gpu_workstation_limit: ChosenLimit = Field(None, description="null for the team's limit.")


@router.get("/members")
async def list_members(ctx: ContextDep, _: AdminDep, limit: Limit = 50, offset: Offset = 0) -> Members:
    """All members."""
    found = await members.list_of(ctx, limit=limit, offset=offset)
    return Members(items=[_listed(entry) for entry in found])


def _listed(entry: ListedMember) -> ListedMemberAnswer:
    used = entry.allowance.used
    return ListedMemberAnswer(
        **MemberAnswer.model_validate(entry.member).model_dump(),
        workstations=used.workstations,
        gpu_workstations=used.gpus,
        limits=LimitsAnswer.of(entry.allowance.limit),
    )


@router.patch("/members/{member_id}", responses=errors(404, 409))
async def change_member(member_id: IdPath, change: MemberChange, ctx: ContextDep, _: AdminDep) -> MemberAnswer:
    """Change a member's role or limits, from their next request on. You can't change your own role."""
    member = await members.find(ctx.session, member_id)
    if change.role is not None:
        await members.change_role(ctx, member, change.role)
    await limits.change(ctx, member, _chosen(change, Chosen.of(member)))
    return MemberAnswer.model_validate(member)


class LimitsChange(BaseModel):
    """The team's limits; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    workstation_limit: ChosenLimit = Field(None, description="null for the limit of the settings.")
    gpu_workstation_limit: ChosenLimit = Field(None, description="null for the limit of the settings.")


@router.get("/team")
async def read_team(ctx: ContextDep, _: AdminDep) -> LimitsAnswer:
    """How many workstations a member may have for whom nothing else is chosen."""
    return LimitsAnswer.of(await limits.of_team(ctx))


@router.patch("/team")
async def change_team(change: LimitsChange, ctx: ContextDep, _: AdminDep) -> LimitsAnswer:
    """Change how many workstations they may have. Who has more keeps them."""
    await limits.change_team(ctx, _chosen(change, await limits.chosen_for_team(ctx)))
    return LimitsAnswer.of(await limits.of_team(ctx))


def _chosen(change: MemberChange | LimitsChange, before: Chosen) -> Chosen:
    given = change.model_fields_set
    return Chosen(
        change.workstation_limit if "workstation_limit" in given else before.workstations,
        change.gpu_workstation_limit if "gpu_workstation_limit" in given else before.gpus,
    )
