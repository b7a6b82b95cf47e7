"""Allowed IPs: what members ask for and admins decide, and the one run that follows from many decisions.

What is approved is wanted, in whatever order it was decided; the run takes all of it (services/shared/shared_stack.py).
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
from app.services import audit, runs, stacks
from app.services.allowed_ips import requests
from app.services.allowed_ips.requests import AllowedIpSpec
from app.services.context import Context
from app.services.people import members
from app.services.shared import shared_stack

S = AllowedIpStatus
MOST_A_MEMBER = 20
"""How many of theirs may be asked for or approved at once."""


async def find(session: AsyncSession, member: Member, allowed_ip_id: str) -> AllowedIp:
    """One of the member's own; for admins, anybody's. Raises NotFoundError."""
    # Anew, where a service has just made it: whose it is is then not loaded.
    options = [joinedload(AllowedIp.owner)]
    ip = await session.get(AllowedIp, allowed_ip_id, options=options, populate_existing=True)
    if ip is None or not (member.is_admin or ip.owner_id == member.id):
        raise NotFoundError("allowed IP")
    return ip


async def owner_named(session: AsyncSession, email: str) -> Member:
    """The member whose it is to be. Raises InvalidError, at the field `owner`, where there is none."""
    owner = await members.known(session, email) if email.isprintable() else None
    if owner is None:
        raise InvalidError("There is no such member.", fields={"owner": "Nobody with this address has signed in yet."})
    return owner


@dataclass(frozen=True)
class Asked:
    """What became of asking for a range."""

    ip: AllowedIp
    is_new: bool
    """False where the member had asked for it already."""


async def ask(ctx: Context, spec: AllowedIpSpec) -> Asked:
    """Ask for a range; the same asked for twice joins.

    Raises InvalidError for what does not fit or is allowed already, ConflictError when the member has too many.
    """
    member = ctx.member
    network = requests.parse_range(spec, ctx.now)
    await _hold_those_of(ctx.session, member)
    own = [ip for ip in await living(ctx.session, ctx.now) if ip.owner_id == member.id]
    asked = _asked(own, network)
    if asked:
        return Asked(asked, is_new=False)
    await _refuse_what_is_there(ctx, network, spec, own)
    if len(own) >= MOST_A_MEMBER:
        raise ConflictError(f"You have {MOST_A_MEMBER} already.", hint="Remove one that you no longer need.")
    ip = _new(member, network, spec, S.ASKED, ctx.now)
    ctx.session.add(ip)
    await _told(ctx, Action.ASK_ALLOWED_IP, ip, after=_words(ip, member))
    return Asked(ip, is_new=True)


async def add(ctx: Context, owner: Member, spec: AllowedIpSpec) -> AllowedIp:
    """Put a range on the list for somebody, without having been asked; their own ask for it is approved by that.

    Raises InvalidError for what does not fit or is allowed already, ConflictError while the stack is being destroyed.
    """
    network = requests.parse_range(spec, ctx.now)
    await _hold_stack(ctx.session)
    asked = _asked([ip for ip in await living(ctx.session, ctx.now) if ip.owner_id == owner.id], network)
    if asked:
        await approve(ctx, asked, spec.expires_at)
        return asked
    await _refuse_what_is_there(ctx, network, spec)
    ip = _new(owner, network, spec, S.APPROVED, ctx.now)
    ip.decide(S.APPROVED, ctx.actor, ctx.now)
    ctx.session.add(ip)
    await _told(ctx, Action.ADD_ALLOWED_IP, ip, after=_words(ip, owner))
    await _request(ctx, f"Allow {ip.cidr} ({ip.label})")
    return ip


async def approve(ctx: Context, ip: AllowedIp, expires_at: datetime | None) -> None:
    """Let it in until then, or for ever.

    Raises ConflictError when it was decided meanwhile, InvalidError for a time that does not fit.
    """
    requests.check_end(expires_at, ctx.now)
    await _hold(ctx.session, ip)
    if not ip.can_be_decided:
        raise ConflictError("This was decided meanwhile.", hint="See the list.")
    before = {"expires_at": _iso(ip.expires_at)}
    ip.expires_at = expires_at
    ip.decide(S.APPROVED, ctx.actor, ctx.now)
    await _told(ctx, Action.APPROVE_ALLOWED_IP, ip, before, {"expires_at": _iso(expires_at)})
    await _request(ctx, f"Allow {ip.cidr} ({ip.label})")


async def refuse(ctx: Context, ip: AllowedIp) -> None:
    """Do not let it in. Raises ConflictError when it was decided meanwhile."""
    await _hold(ctx.session, ip)
    if not ip.can_be_decided:
        raise ConflictError("This was decided meanwhile.", hint="See the list.")
    ip.decide(S.REFUSED, ctx.actor, ctx.now)
    await _told(ctx, Action.REFUSE_ALLOWED_IP, ip)


async def remove(ctx: Context, ip: AllowedIp) -> None:
    """Take it off the list, or an ask back; its owner may do so as well, since that lets nobody in.

    Removing what is gone changes nothing. Raises ConflictError while the shared stack is being destroyed.
    """
    await _hold(ctx.session, ip)
    was_asked = ip.can_be_decided
    if not (was_asked or ip.can_be_removed):
        return
    ip.decide(S.REMOVED, ctx.actor, ctx.now)
    await _told(ctx, Action.REMOVE_ALLOWED_IP, ip)
    if not was_asked:
        await _request(ctx, f"Remove {ip.cidr} ({ip.label})")


async def apply_again(ctx: Context) -> Run:
    """Bring the firewall to what was decided, where an earlier run was discarded or failed.

    Raises ConflictError where there is no shared stack.
    """
    await _hold_stack(ctx.session)
    run = await _request(ctx, "Bring the allowed IPs to what was decided")
    if run is None:
        raise ConflictError("There is no shared stack yet.", hint="What is approved comes with it when you make it.")
    after = {"allowed_ips": run.inputs["mlflow_allowed_ips"]}
    audit.record(ctx, Action.CONFIGURE_SHARED_STACK, run.stack_id, "shared stack", after=after)
    return run


async def expire(ctx: Context) -> list[AllowedIp]:
    """End those whose time is over, with one run for all of them. Returns them."""
    session, now = ctx.session, ctx.now
    over = select(AllowedIp.id).where(AllowedIp.status.in_({S.ASKED, S.APPROVED}), AllowedIp.expires_at <= now)
    if not await session.scalar(over.limit(1)):
        return []
    await _hold_stack(session)
    locked = select(AllowedIp).where(AllowedIp.id.in_(over)).order_by(AllowedIp.id).with_for_update()
    ended = list(await session.scalars(locked.execution_options(populate_existing=True)))
    were_let_in = [ip for ip in ended if ip.can_be_removed]
    for ip in ended:
        ip.decide(S.EXPIRED, None, now)
        await _told(ctx, Action.EXPIRE_ALLOWED_IP, ip)
    if were_let_in and not await _is_being_destroyed(session):
        reason = "The time is over of " + ", ".join(f"{ip.cidr} ({ip.label})" for ip in were_let_in)
        await _request(ctx, reason)
    return ended


async def living(session: AsyncSession, now: datetime) -> list[AllowedIp]:
    """All that are asked for or approved, with their owners, the newest first."""
    query = select(AllowedIp).where(AllowedIp.status.in_({S.ASKED, S.APPROVED})).options(joinedload(AllowedIp.owner))
    found = await session.scalars(query.order_by(AllowedIp.created_at.desc(), AllowedIp.id))
    return [ip for ip in found if ip.is_living(now)]


async def _refuse_what_is_there(
    ctx: Context, network: Network, spec: AllowedIpSpec, own: list[AllowedIp] | None = None
) -> None:
    """Raises InvalidError when one on the list lets it in as long, or the member has asked for a range around it."""
    there = await living(ctx.session, ctx.now)
    for ip in (ip for ip in there if ip.contains(network) and ip.lasts_until(spec.expires_at)):
        if ip.is_wanted(ctx.now):
            sentence = f"{network} is already allowed by {ip.cidr} ({ip.label})."
            raise InvalidError("It is on the list.", fields={"cidr": sentence})
        if own and ip in own:
            sentence = f"You have already asked for {ip.cidr} ({ip.label}), which includes {network}."
            raise InvalidError("It was asked for.", fields={"cidr": sentence})


def _asked(ips: list[AllowedIp], network: Network) -> AllowedIp | None:
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


async def _hold_those_of(session: AsyncSession, member: Member) -> None:
    """Two asks of one member wait for each other, and hinder nothing else."""
    await session.refresh(member, with_for_update={"key_share": True})


async def _hold_stack(session: AsyncSession) -> None:
    stack = await stacks.shared(session)
    if stack:
        await shared_stack.lock(session, stack)


async def _hold(session: AsyncSession, ip: AllowedIp) -> None:
    """The stack first, as everywhere, then the row as it is now."""
    await _hold_stack(session)
    await session.refresh(ip, with_for_update={"of": AllowedIp})


async def _is_being_destroyed(session: AsyncSession) -> bool:
    stack = await stacks.shared(session)
    return stack is not None and await runs.under_way(session, stack.id, RunKind.DESTROY) is not None


async def _request(ctx: Context, reason: str) -> Run | None:
    """The run that makes the firewall so; None where there is no stack, and none is being made, that has one."""
    stack = await stacks.shared(ctx.session)
    if stack is None:
        return None
    spec = await shared_stack.desired(ctx, stack)
    if not stack.exists and not await runs.under_way(ctx.session, stack.id, RunKind.CONFIGURE):
        return None
    return await shared_stack.request(ctx, stack, spec, reason)


async def _told(
    ctx: Context,
    action: Action,
    ip: AllowedIp,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Into the audit, and to whoever looks at the list."""
    await ctx.session.flush()
    audit.record(ctx, action, ip.id, f"{ip.cidr} ({ip.label})", before, after)
    await live.signal(ctx.session, live.ALLOWED_IPS)


def _words(ip: AllowedIp, owner: Member) -> dict[str, Any]:
    return {"owner": owner.email, "expires_at": _iso(ip.expires_at)}


def _iso(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
