"""Allowed IPs, as JSON."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from app import origin
from app.deps import AdminDep, AllowedIpDep, ContextDep
from app.errors import RefusedError
from app.models import AllowedIp, Member, Standing
from app.routers.api.shapes import errors
from app.services import allowed_ips
from app.services.allowed_ips import listing
from app.services.allowed_ips.listing import Entry
from app.services.allowed_ips.requests import AllowedIpSpec
from app.services.context import Context

router = APIRouter(prefix="/api/v1/allowed-ips", tags=["allowed-ips"])


class NewAllowedIp(BaseModel):
    """A range to ask for; from an admin, one to put on the list."""

    model_config = ConfigDict(extra="forbid")

    cidr: str = Field(description="An address or a range, IPv4 or IPv6.", examples=["203.0.113.0/24"])
    label: str = Field(description="What it is.", examples=["office"])
    expires_at: AwareDatetime | None = Field(None, description="When it ends by itself; null for never.")
    confirm: bool = Field(False, description="True where what `fields.confirm` of an error said is meant.")
    owner: str | None = Field(None, description="Whose it is, by address; yours if left out. For admins.")


class Approval(BaseModel):
    """How an ask is approved."""

    model_config = ConfigDict(extra="forbid")

    expires_at: AwareDatetime | None = Field(None, description="When it ends; as asked if left out, null for never.")


class AllowedIpAnswer(BaseModel):
    """A range of addresses that may reach MLflow, or is to, or was."""

    id: str
    cidr: str
    label: str
    owner: str = Field(description="The owner's address.")
    status: Standing = Field(description="What was decided, and what the firewall has of that.")
    notes: list[str] = Field(description="What whoever decides should know, in sentences.")
    created_at: datetime
    decided_at: datetime | None
    expires_at: datetime | None


class AllowedIps(BaseModel):
    """Allowed IPs, the newest first."""

    items: list[AllowedIpAnswer]
    run_id: str | None = Field(description="The run under way that changes the firewall. Only admins can read it.")


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
    return _answer(await listing.entry_of(ctx.session, ip, ctx.now))


@router.get("", responses=errors(401, 403, 422))
async def list_allowed_ips(ctx: ContextDep, everybodys: Annotated[bool, Query(alias="all")] = False) -> AllowedIps:
    """Your own; with `all`, everybody's, for admins. Of those that are over, the newest 50."""
    if everybodys and not ctx.member.is_admin:
        raise RefusedError("Only admins may see everybody's.")
    found = await listing.read(ctx.session, ctx.now, ended_of=None if everybodys else ctx.member)
    shown = found if everybodys else found.of_owner(ctx.member)
    return AllowedIps(items=[_answer(entry) for entry in shown.entries], run_id=found.run.id if found.run else None)


@router.post(
    "",
    status_code=201,
    responses={
        **errors(401, 403, 409, 422),
        200: {"description": "You had asked for it already.", "model": AllowedIpAnswer},
    },
)
async def ask_or_add(new: NewAllowedIp, ctx: ContextDep, response: Response) -> AllowedIpAnswer:
    """Ask for a range, which an admin then decides. An admin's goes onto the list at once."""
    spec = AllowedIpSpec(new.cidr, new.label, new.expires_at, new.confirm, origin.current().place)
    owner = await _owner(ctx, new.owner)
    if ctx.member.is_admin:
        return await _one(ctx, await allowed_ips.add(ctx, owner, spec))
    asked = await allowed_ips.ask(ctx, spec)
    if not asked.is_new:
        response.status_code = 200
    return await _one(ctx, asked.ip)


async def _owner(ctx: Context, email: str | None) -> Member:
    if email is None:
        return ctx.member
    if not ctx.member.is_admin:
        raise RefusedError("Only admins may name an owner.")
    return await allowed_ips.owner_named(ctx.session, email)


@router.post("/{allowed_ip_id}/approve", responses=errors(401, 403, 404, 409, 422))
async def approve_allowed_ip(
    ip: AllowedIpDep,
    ctx: ContextDep,
    _: AdminDep,
    approval: Annotated[Approval, Body(default_factory=Approval)],
) -> AllowedIpAnswer:
    """Let it in. For admins."""
    end = approval.expires_at if "expires_at" in approval.model_fields_set else ip.expires_at
    await allowed_ips.approve(ctx, ip, end)
    return await _one(ctx, ip)


@router.post("/{allowed_ip_id}/refuse", responses=errors(401, 403, 404, 409))
async def refuse_allowed_ip(ip: AllowedIpDep, ctx: ContextDep, _: AdminDep) -> AllowedIpAnswer:
    """Do not let it in. For admins."""
    await allowed_ips.refuse(ctx, ip)
    return await _one(ctx, ip)


@router.delete("/{allowed_ip_id}", responses=errors(401, 404, 409))
async def remove_allowed_ip(ip: AllowedIpDep, ctx: ContextDep) -> AllowedIpAnswer:
    """Take it off the list, or your ask back. What is gone stays gone."""
    await allowed_ips.remove(ctx, ip)
    return await _one(ctx, ip)
