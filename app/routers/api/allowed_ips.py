"""Allowed IPs, as JSON."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from app import origin
from app.caller import Caller
from app.deps import AdminDep, AllowedIpDep, CallerDep, ContextDep
from app.models import AllowedIp, Member, Standing
from app.routers.api.shapes import errors
from app.routers.paging import AfterId, Limit
from app.services import allowed_ips
from app.services.allowed_ips import listing
from app.services.allowed_ips.listing import Entry
from app.services.allowed_ips.requests import AllowedIpSpec
from app.services.audit import Words
from app.services.context import Context

router = APIRouter(prefix="/api/v1/allowed-ips", tags=["allowed-ips"])


class NewAllowedIp(BaseModel):
    """A range to request or, for an admin, to allow."""

    model_config = ConfigDict(extra="forbid")

    cidr: str = Field(description="An IPv4 or IPv6 address or range.", examples=["203.0.113.0/24"])
    label: str = Field(description="A name for the range.", examples=["office"])
    expires_at: AwareDatetime | None = Field(None, description="When it expires; null for no expiry.")
    confirm: bool = Field(False, description="Confirms what `fields.confirm` of an error asks for.")
    owner: str | None = Field(None, description="The owner's email address. Default: yourself. Only for admins.")


class AllowedIpApproval(BaseModel):
    """The approval of a request."""

    model_config = ConfigDict(extra="forbid")

    expires_at: AwareDatetime | None = Field(
        None, description="When it expires; null for never. Default: as requested."
    )


class AllowedIpAnswer(BaseModel):
    """An IP range that can reach MLflow, could, or was requested."""

    id: str
    cidr: str
    label: str
    owner: str = Field(description="The owner's email address.")
    status: Standing = Field(description="The decision, and whether the firewall applies it.")
    notes: list[str] = Field(description="Sentences that matter to whoever decides.")
    created_at: datetime
    decided_at: datetime | None
    expires_at: datetime | None


class AllowedIps(BaseModel):
    """A page of allowed IPs: requests, then those of the firewall, then those that are over, each newest first."""

    items: list[AllowedIpAnswer]
    after: str | None = Field(description="What the next page's `after` is; null on the last page.")
    run_id: str | None = Field(description="The pending run that updates the firewall. Only admins can read it.")


def _answer(entry: Entry) -> AllowedIpAnswer:
    ip = entry.ip
    return AllowedIpAnswer(
        id=ip.id,
        cidr=ip.cidr,
        label=ip.label,
        owner=ip.owner.email,
        status=entry.standing,
        notes=list(entry.notes),
        created_at=ip.created_at,
        decided_at=ip.decided_at,
        expires_at=ip.expires_at,
    )


async def _one(ctx: Context, ip: AllowedIp) -> AllowedIpAnswer:
    return _answer(await listing.entry_of(ctx, ip))


@router.get("", responses=errors(401, 403, 422))
async def list_allowed_ips(
    ctx: ContextDep,
    caller: CallerDep,
    everybodys: Annotated[bool, Query(alias="all")] = False,
    q: Annotated[Words, Query()] = "",
    limit: Limit = 50,
    after: AfterId = "",
) -> AllowedIps:
    """Your allowed IPs or, for admins with `all`, everyone's, with `q` in range, label or owner, page by page."""
    owner = None if everybodys and caller.as_admin() else ctx.member
    found = await listing.read(ctx, owner=owner, search=q, after=after, limit=limit)
    run_id = found.run.id if found.run else None
    return AllowedIps(items=[_answer(entry) for entry in found.entries], after=found.after, run_id=run_id)


@router.post(
    "",
    status_code=201,
    responses={
        **errors(401, 403, 409, 422),
        200: {"description": "You had already requested it.", "model": AllowedIpAnswer},
    },
)
async def ask_or_add(new: NewAllowedIp, ctx: ContextDep, caller: CallerDep, response: Response) -> AllowedIpAnswer:
    """Request a range, which an admin then approves or denies. Admins allow a range without a request."""
    spec = AllowedIpSpec(new.cidr, new.label, new.expires_at, new.confirm, origin.current().place)
    owner = ctx.member if new.owner is None else await _owner(ctx, caller, new.owner)
    if caller.is_admin:
        return await _one(ctx, await allowed_ips.add(ctx, owner, spec))
    asked = await allowed_ips.request_range(ctx, spec)
    if not asked.is_new:
        response.status_code = 200
    return await _one(ctx, asked.ip)


async def _owner(ctx: Context, caller: Caller, email: str) -> Member:
    caller.as_admin()
    return await allowed_ips.owner_named(ctx.session, email)


@router.post("/{allowed_ip_id}/approve", responses=errors(401, 403, 404, 409, 422))
async def approve_allowed_ip(
    ip: AllowedIpDep,
    ctx: ContextDep,
    _: AdminDep,
    approval: Annotated[AllowedIpApproval, Body(default_factory=AllowedIpApproval)],
) -> AllowedIpAnswer:
    """Approve a request. For admins."""
    end = approval.expires_at if "expires_at" in approval.model_fields_set else ip.expires_at
    await allowed_ips.approve(ctx, ip, end)
    return await _one(ctx, ip)


@router.post("/{allowed_ip_id}/refuse", responses=errors(401, 403, 404, 409))
async def refuse_allowed_ip(ip: AllowedIpDep, ctx: ContextDep, _: AdminDep) -> AllowedIpAnswer:
    """Deny a request. For admins."""
    await allowed_ips.refuse(ctx, ip)
    return await _one(ctx, ip)


@router.delete("/{allowed_ip_id}", responses=errors(401, 404, 409))
async def remove_allowed_ip(ip: AllowedIpDep, ctx: ContextDep) -> AllowedIpAnswer:
    """Remove an allowed IP, or withdraw a request. Removing it again changes nothing."""
    await allowed_ips.remove(ctx, ip)
    return await _one(ctx, ip)
