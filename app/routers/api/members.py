"""/api/v1/members and /api/v1/team: read, change roles and limits. For admins."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from app.deps import AdminDep, ContextDep, IdPath, MemberInPathDep
from app.models import MemberAccess, Role, Standing
from app.routers.api.api_tokens import ApiTokenAnswer, ApiTokens
from app.routers.api.shapes import errors
from app.routers.paging import AfterId, Limit
from app.services.audit import Words
from app.services.keys import ssh_keys
from app.services.offboarding import access, belongings
from app.services.offboarding.belongings import Belongings
from app.services.people import limits, listing, roles, sign_ins
from app.services.people.limits import HIGHEST, Chosen, Counts
from app.services.people.listing import ListedMember

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
    disabled_at: datetime | None = Field(description="Since when an admin has shut them out; null if none has.")
    created_at: datetime
    last_seen_at: datetime

    workstation_limit: int | None = Field(description="Workstations they may have; null for the team's limit.")
    gpu_workstation_limit: int | None = Field(
        description="Workstations with a GPU that they may have; null for the team's limit."
    )


class ListedMemberAnswer(MemberAnswer):
    """A member as in the list of members."""

    access: MemberAccess = Field(description="Whether they can sign in; not_allowed: the portal's settings say no.")
    workstations: int = Field(description="How many workstations they have.")
    gpu_workstations: int = Field(description="How many of them have a GPU, or are about to get one.")
    limits: LimitsAnswer = Field(description="What they may have, by their own limit or the team's.")


class Members(BaseModel):
    """A page of members: admins first, then by email address."""

    items: list[ListedMemberAnswer]
    after: str | None = Field(description="What the next page's `after` is; null on the last page.")


class MemberChange(BaseModel):
    """Changes to a member. Fields that are omitted stay the same."""

    model_config = ConfigDict(extra="forbid")

    role: Role | None = None
    workstation_limit: ChosenLimit = Field(None, description="null for the team's limit.")
    gpu_workstation_limit: ChosenLimit = Field(None, description="null for the team's limit.")


@router.get("/members")
async def list_members(
    ctx: ContextDep, _: AdminDep, q: Annotated[Words, Query()] = "", limit: Limit = 50, after: AfterId = ""
) -> Members:
    """Members whose name or email address contains `q`, page by page."""
    found = await listing.page(ctx, search=q, after=after, limit=limit)
    return Members(items=[_listed(entry) for entry in found.entries], after=found.after)


def _listed(entry: ListedMember) -> ListedMemberAnswer:
    used = entry.allowance.used
    return ListedMemberAnswer(
        **MemberAnswer.model_validate(entry.member).model_dump(),
        access=entry.access,
        workstations=used.workstations,
        gpu_workstations=used.gpus,
        limits=LimitsAnswer.of(entry.allowance.limit),
    )


@router.post("/members/{member_id}/disable", responses=errors(404, 409))
async def disable_member(member: MemberInPathDep, ctx: ContextDep) -> MemberAnswer:
    """Shut a member out at once: browsers, tokens and streams; runs take their SSH keys off their machines.

    A second time changes nothing. You can't disable yourself, or the only admin who can sign in.
    """
    await access.disable(ctx, member)
    return MemberAnswer.model_validate(member)


@router.post("/members/{member_id}/enable", responses=errors(404))
async def enable_member(member: MemberInPathDep, ctx: ContextDep) -> MemberAnswer:
    """Let a member in again: their tokens are valid again, and runs bring their SSH keys back."""
    await access.enable(ctx, member)
    return MemberAnswer.model_validate(member)


@router.patch("/members/{member_id}", responses=errors(404, 409))
async def change_member(member: MemberInPathDep, change: MemberChange, ctx: ContextDep) -> MemberAnswer:
    """Change a member's role or limits, from their next request on. You can't change your own role."""
    if change.role is not None:
        await roles.change_role(ctx, member, change.role)
    await limits.change(ctx, member, _chosen(change, Chosen.of(member)))
    return MemberAnswer.model_validate(member)


class AllowedIpOfMember(BaseModel):
    """A range that the MLflow server lets in, or is asked to."""

    id: str
    cidr: str
    status: Standing


class BelongingsAnswer(BaseModel):
    """All that a member has, by its id where it has one."""

    is_empty: bool = Field(description="Whether they have nothing: then they have left.")
    workstations: list[str]
    kept_disks: list[str] = Field(description="Ids of deleted workstations whose disk was kept.")
    ssh_keys: list[str]
    tokens: list[ApiTokenAnswer]
    sessions: int = Field(description="Browsers that are signed in.")
    allowed_ips: list[AllowedIpOfMember]
    runs: list[str] = Field(description="Runs that have not ended, of their workstations or asked for by them.")
    has_access_to_shared_stack: bool = Field(description="Whether Google has grants for them by the shared stack.")
    is_iam_admin: bool

    @classmethod
    def of(cls, theirs: Belongings) -> Self:
        """As JSON."""
        ips = [AllowedIpOfMember(id=each.ip.id, cidr=each.ip.cidr, status=each.standing) for each in theirs.allowed_ips]
        return cls(
            is_empty=theirs.is_empty,
            workstations=[each.workstation.id for each in theirs.machines],
            kept_disks=[each.id for each in theirs.kept_disks],
            ssh_keys=[key.id for key in theirs.ssh_keys],
            tokens=ApiTokens.of(list(theirs.tokens)).items,
            sessions=len(theirs.sign_ins),
            allowed_ips=ips,
            runs=[run.id for run in theirs.runs],
            has_access_to_shared_stack=theirs.has_access_to_shared_stack,
            is_iam_admin=theirs.is_iam_admin,
        )


@router.get("/members/{member_id}/belongings", responses=errors(404))
async def read_belongings(member: MemberInPathDep, ctx: ContextDep) -> BelongingsAnswer:
    """All that a member has: what is to be handed over, deleted or ended when they leave."""
    return BelongingsAnswer.of(await belongings.of(ctx, member))


@router.post("/members/{member_id}/sign-out", status_code=204, responses=errors(404))
async def sign_member_out(member: MemberInPathDep, ctx: ContextDep) -> Response:
    """End all sessions of a member. Their tokens stay valid."""
    await sign_ins.end_all(ctx, member)
    return Response(status_code=204)


@router.delete("/members/{member_id}/ssh-keys/{key_id}", status_code=204, responses=errors(404, 503))
async def delete_key_of_member(member: MemberInPathDep, key_id: IdPath, ctx: ContextDep) -> Response:
    """Delete a member's SSH key and its private key. Runs remove it from their workstations."""
    await ssh_keys.delete(ctx, await ssh_keys.find(ctx.session, member, key_id))
    return Response(status_code=204)


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
