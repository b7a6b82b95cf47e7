"""Requests by members and decisions by admins about allowed IPs, and the run that applies them to the firewall.

One run may apply many decisions: it allows whatever is approved when a worker claims it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from app import live
from app.errors import ConflictError, InvalidError, NotFoundError
from app.models import Action, AllowedIp, AllowedIpStatus, Member, Run, RunKind
from app.models.allowed_ip import Network
from app.services import audit, runs
from app.services.allowed_ips import requests
from app.services.allowed_ips.requests import AllowedIpSpec
from app.services.context import Context
from app.services.people import members
from app.services.runs import stacks
from app.services.shared import shared_stack

S = AllowedIpStatus
MOST_A_MEMBER = 20
"""How many allowed IPs a member can have, pending requests included."""


async def find(session: AsyncSession, member: Member, allowed_ip_id: str) -> AllowedIp:
    """One of the member's allowed IPs, or anybody's for an admin. Raises NotFoundError."""
    # populate_existing: a row that this transaction has just made has no owner loaded.
    options = [joinedload(AllowedIp.owner)]
    ip = await session.get(AllowedIp, allowed_ip_id, options=options, populate_existing=True)
    if ip is None or not (member.is_admin or ip.owner_id == member.id):
        raise NotFoundError("allowed IP")
    return ip


async def owner_named(session: AsyncSession, email: str) -> Member:
    """The member with this email address. Raises InvalidError, at the field `owner`, if there is none."""
    owner = await members.known(session, email) if email.isprintable() else None
    if owner is None:
        raise InvalidError("Member not found.", fields={"owner": "Nobody with this email address has signed in yet."})
    return owner


@dataclass(frozen=True)
class RangeRequest:
    """The result of a request."""

    ip: AllowedIp
    is_new: bool
    """False if the member had already requested this range."""


async def request_range(ctx: Context, spec: AllowedIpSpec) -> RangeRequest:
    """Request a range for the context's member. A second request for the same range returns the first one.

    Raises InvalidError if a field is invalid or the range is already allowed, ConflictError if the member has too many.
    """
    member = ctx.member
    network = requests.parse_range(spec, ctx.now)
    await _lock_requests_of(ctx.session, member)
    own = [ip for ip in await active(ctx.session, ctx.now) if ip.owner_id == member.id]
    requested = _requested(own, network)
    if requested:
        return RangeRequest(requested, is_new=False)
    await _refuse_what_is_there(ctx, network, spec, own)
    if len(own) >= MOST_A_MEMBER:
        raise ConflictError(
            f"You already have {MOST_A_MEMBER} allowed IPs.", hint="Remove one that you no longer need."
        )
    ip = _new(member, network, spec, S.ASKED, ctx.now)
    ctx.session.add(ip)
    await _record(ctx, Action.ASK_ALLOWED_IP, ip, after=_details(ip, member))
    return RangeRequest(ip, is_new=True)


async def add(ctx: Context, owner: Member, spec: AllowedIpSpec) -> AllowedIp:
    """Allow a range for a member. A pending request of theirs for the same range is approved instead.

    Raises InvalidError if a field is invalid or the range is already allowed, ConflictError while the shared stack is
    being destroyed.
    """
    network = requests.parse_range(spec, ctx.now)
    await _lock_stack(ctx.session)
    requested = _requested([ip for ip in await active(ctx.session, ctx.now) if ip.owner_id == owner.id], network)
    if requested:
        await approve(ctx, requested, spec.expires_at)
        return requested
    await _refuse_what_is_there(ctx, network, spec)
    ip = _new(owner, network, spec, S.APPROVED, ctx.now)
    ip.decide(S.APPROVED, ctx.actor, ctx.now)
    ctx.session.add(ip)
    await _record(ctx, Action.ADD_ALLOWED_IP, ip, after=_details(ip, owner))
    await _request(ctx, f"Allow {ip.cidr} ({ip.label})")
    return ip


async def approve(ctx: Context, ip: AllowedIp, expires_at: datetime | None) -> None:
    """Approve a request until `expires_at`, or without expiry if that is None.

    Raises ConflictError if it was already decided, InvalidError if the expiry is invalid.
    """
    requests.check_end(expires_at, ctx.now)
    await _lock(ctx.session, ip)
    if not ip.can_be_decided:
        raise ConflictError("This request has already been decided.", hint="Go back to the list to see the decision.")
    before = {"expires_at": _iso(ip.expires_at)}
    ip.expires_at = expires_at
    ip.decide(S.APPROVED, ctx.actor, ctx.now)
    await _record(ctx, Action.APPROVE_ALLOWED_IP, ip, before, {"expires_at": _iso(expires_at)})
    await _request(ctx, f"Allow {ip.cidr} ({ip.label})")


async def refuse(ctx: Context, ip: AllowedIp) -> None:
    """Deny a request. Raises ConflictError if it was already decided."""
    await _lock(ctx.session, ip)
    if not ip.can_be_decided:
        raise ConflictError("This request has already been decided.", hint="Go back to the list to see the decision.")
    ip.decide(S.REFUSED, ctx.actor, ctx.now)
    await _record(ctx, Action.REFUSE_ALLOWED_IP, ip)


async def remove(ctx: Context, ip: AllowedIp) -> None:
    """Remove an allowed IP, or withdraw a request. The owner may do both.

    Removing it again changes nothing. Raises ConflictError while the shared stack is being destroyed.
    """
    await _lock(ctx.session, ip)
    was_asked = ip.can_be_decided
    if not (was_asked or ip.can_be_removed):
        return
    ip.decide(S.REMOVED, ctx.actor, ctx.now)
    await _record(ctx, Action.REMOVE_ALLOWED_IP, ip)
    if not was_asked:
        await _request(ctx, f"Remove {ip.cidr} ({ip.label})")


async def apply_again(ctx: Context) -> Run:
    """Update the firewall again, after a run that failed or was discarded.

    Raises ConflictError if the shared stack is not deployed.
    """
    await _lock_stack(ctx.session)
    run = await _request(ctx, "Update allowed IPs")
    if run is None:
        raise ConflictError("The shared stack is not deployed.", hint="Approved addresses are allowed once it is.")
    after = {"allowed_ips": run.inputs["mlflow_allowed_ips"]}
    audit.record(ctx, Action.CONFIGURE_SHARED_STACK, run.stack_id, "shared stack", after=after)
    return run


async def expire(ctx: Context) -> list[AllowedIp]:
    """End allowed IPs and requests whose expiry has passed, with one run for all of them. Returns them."""
    session, now = ctx.session, ctx.now
    over = select(AllowedIp.id).where(AllowedIp.status.in_({S.ASKED, S.APPROVED}), AllowedIp.expires_at <= now)
    if not await session.scalar(over.limit(1)):
        return []
    await _lock_stack(session)
    locked = select(AllowedIp).where(AllowedIp.id.in_(over)).order_by(AllowedIp.id).with_for_update()
    ended = list(await session.scalars(locked.execution_options(populate_existing=True)))
    were_let_in = [ip for ip in ended if ip.can_be_removed]
    for ip in ended:
        ip.decide(S.EXPIRED, None, now)
        await _record(ctx, Action.EXPIRE_ALLOWED_IP, ip)
    if were_let_in and not await _is_being_destroyed(session):
        reason = "Expired: " + ", ".join(f"{ip.cidr} ({ip.label})" for ip in were_let_in)
        await _request(ctx, reason)
    return ended


async def active(session: AsyncSession, now: datetime) -> list[AllowedIp]:
    """Requested and approved IPs that have not expired, with their owners, newest first."""
    query = select(AllowedIp).where(AllowedIp.status.in_({S.ASKED, S.APPROVED})).options(joinedload(AllowedIp.owner))
    found = await session.scalars(query.order_by(AllowedIp.created_at.desc(), AllowedIp.id))
    return [ip for ip in found if ip.is_active(now)]


async def _refuse_what_is_there(
    ctx: Context, network: Network, spec: AllowedIpSpec, own: list[AllowedIp] | None = None
) -> None:
    """Raises InvalidError if a range that covers this one as long is allowed already, or requested by the member."""
    there = await active(ctx.session, ctx.now)
    for ip in (ip for ip in there if ip.contains(network) and ip.lasts_until(spec.expires_at)):
        if ip.is_desired(ctx.now, ctx.settings):
            sentence = f"{network} is already allowed by {ip.cidr} ({ip.label})."
            raise InvalidError("Already allowed.", fields={"cidr": sentence})
        if own and ip in own:
            sentence = f"You have already requested {ip.cidr} ({ip.label}), which includes {network}."
            raise InvalidError("Already requested.", fields={"cidr": sentence})


def _requested(ips: list[AllowedIp], network: Network) -> AllowedIp | None:
    return next((ip for ip in ips if ip.can_be_decided and ip.cidr == str(network)), None)


def _new(owner: Member, network: Network, spec: AllowedIpSpec, status: AllowedIpStatus, now: datetime) -> AllowedIp:
    return AllowedIp(
        cidr=str(network),
        label=spec.label.strip(),
        owner_id=owner.id,
        status=status,
        created_at=now,
        expires_at=spec.expires_at,
    )


async def _lock_requests_of(session: AsyncSession, member: Member) -> None:
    """Let concurrent requests of one member wait for each other; nothing else waits."""
    await session.refresh(member, with_for_update={"key_share": True})


async def _lock_stack(session: AsyncSession) -> None:
    stack = await stacks.shared(session)
    if stack:
        await shared_stack.lock(session, stack)


async def _lock(session: AsyncSession, ip: AllowedIp) -> None:
    """Lock the shared stack, then the row, and reload the row."""
    await _lock_stack(session)
    await session.refresh(ip, with_for_update={"of": AllowedIp})


async def _is_being_destroyed(session: AsyncSession) -> bool:
    stack = await stacks.shared(session)
    return stack is not None and await runs.under_way(session, stack.id, RunKind.DESTROY) is not None


async def _request(ctx: Context, reason: str) -> Run | None:
    """Queue the run that updates the firewall; None if the shared stack is neither deployed nor being deployed."""
    stack = await stacks.shared(ctx.session)
    if stack is None:
        return None
    spec = await shared_stack.desired(ctx, stack)
    if not stack.exists and not await runs.under_way(ctx.session, stack.id, RunKind.CONFIGURE):
        return None
    return await shared_stack.request(ctx, stack, spec, reason)


async def _record(
    ctx: Context,
    action: Action,
    ip: AllowedIp,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Add an audit entry, and signal the change to open pages."""
    await ctx.session.flush()
    audit.record(ctx, action, ip.id, f"{ip.cidr} ({ip.label})", before, after)
    await live.signal(ctx.session, live.ALLOWED_IPS)


def _details(ip: AllowedIp, owner: Member) -> dict[str, Any]:
    return {"owner": owner.email, "expires_at": _iso(ip.expires_at)}


def _iso(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
