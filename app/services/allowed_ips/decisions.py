"""Allowed IPs: what members ask for and admins decide, and the one run that follows from many decisions.

What is approved is wanted, in whatever order it was decided; the run takes all of it (services/shared/shared_stack.py).
"""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from app import live
from app.config import Settings
from app.errors import ConflictError, InvalidError, NotFoundError
from app.models import Action, AllowedIp, AllowedIpStatus, Member, Run, RunKind
from app.models.allowed_ip import Network
from app.services import audit, runs, stacks
from app.services.allowed_ips import requests
from app.services.allowed_ips.requests import AllowedIpSpec
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


async def ask(session: AsyncSession, member: Member, spec: AllowedIpSpec, now: datetime) -> tuple[AllowedIp, bool]:
    """Ask for a range; the same asked for twice joins. Returns it, and whether it is new.

    Raises InvalidError for what does not fit or is allowed already, ConflictError when the member has too many.
    """
    network = requests.parse_range(spec, now)
    await _hold_those_of(session, member)
    own = [ip for ip in await living(session, now) if ip.owner_id == member.id]
    asked = _asked(own, network)
    if asked:
        return asked, False
    await _refuse_what_is_there(session, network, spec, now, own)
    if len(own) >= MOST_A_MEMBER:
        raise ConflictError(f"You have {MOST_A_MEMBER} already.", hint="Remove one that you no longer need.")
    ip = _new(member, network, spec, S.ASKED, now)
    session.add(ip)
    await _told(session, member, Action.ASK_ALLOWED_IP, ip, now, after=_words(ip, member))
    return ip, True


async def add(
    session: AsyncSession, admin: Member, owner: Member, spec: AllowedIpSpec, settings: Settings, now: datetime
) -> AllowedIp:
    """Put a range on the list for somebody, without having been asked; their own ask for it is approved by that.

    Raises InvalidError for what does not fit or is allowed already, ConflictError while the stack is being destroyed.
    """
    network = requests.parse_range(spec, now)
    await _hold_stack(session)
    asked = _asked([ip for ip in await living(session, now) if ip.owner_id == owner.id], network)
    if asked:
        await approve(session, asked, admin, spec.expires_at, settings, now)
        return asked
    await _refuse_what_is_there(session, network, spec, now)
    ip = _new(owner, network, spec, S.APPROVED, now)
    ip.decide(S.APPROVED, admin, now)
    session.add(ip)
    await _told(session, admin, Action.ADD_ALLOWED_IP, ip, now, after=_words(ip, owner))
    await _request(session, admin, settings, now, f"Allow {ip.cidr} ({ip.label})")
    return ip


async def approve(
    session: AsyncSession, ip: AllowedIp, admin: Member, expires_at: datetime | None, settings: Settings, now: datetime
) -> None:
    """Let it in until then, or for ever.

    Raises ConflictError when it was decided meanwhile, InvalidError for a time that does not fit.
    """
    requests.check_end(expires_at, now)
    await _hold(session, ip)
    if not ip.can_be_decided:
        raise ConflictError("This was decided meanwhile.", hint="See the list.")
    before = {"expires_at": _iso(ip.expires_at)}
    ip.expires_at = expires_at
    ip.decide(S.APPROVED, admin, now)
    await _told(session, admin, Action.APPROVE_ALLOWED_IP, ip, now, before, {"expires_at": _iso(expires_at)})
    await _request(session, admin, settings, now, f"Allow {ip.cidr} ({ip.label})")


async def refuse(session: AsyncSession, ip: AllowedIp, admin: Member, now: datetime) -> None:
    """Do not let it in. Raises ConflictError when it was decided meanwhile."""
    await _hold(session, ip)
    if not ip.can_be_decided:
        raise ConflictError("This was decided meanwhile.", hint="See the list.")
    ip.decide(S.REFUSED, admin, now)
    await _told(session, admin, Action.REFUSE_ALLOWED_IP, ip, now)


async def remove(session: AsyncSession, ip: AllowedIp, member: Member, settings: Settings, now: datetime) -> None:
    """Take it off the list, or an ask back; its owner may do so as well, since that lets nobody in.

    Removing what is gone changes nothing. Raises ConflictError while the shared stack is being destroyed.
    """
    await _hold(session, ip)
    was_asked = ip.can_be_decided
    if not (was_asked or ip.can_be_removed):
        return
    ip.decide(S.REMOVED, member, now)
    await _told(session, member, Action.REMOVE_ALLOWED_IP, ip, now)
    if not was_asked:
        await _request(session, member, settings, now, f"Remove {ip.cidr} ({ip.label})")


async def apply_again(session: AsyncSession, admin: Member, settings: Settings, now: datetime) -> Run:
    """Bring the firewall to what was decided, where an earlier run was discarded or failed.

    Raises ConflictError where there is no shared stack.
    """
    await _hold_stack(session)
    run = await _request(session, admin, settings, now, "Bring the allowed IPs to what was decided")
    if run is None:
        raise ConflictError("There is no shared stack yet.", hint="What is approved comes with it when you make it.")
    after = {"allowed_ips": run.inputs["mlflow_allowed_ips"]}
    audit.record(session, admin, Action.CONFIGURE_SHARED_STACK, run.stack_id, "shared stack", after=after, now=now)
    return run


async def expire(session: AsyncSession, settings: Settings, now: datetime) -> list[AllowedIp]:
    """End those whose time is over, with one run for all of them. Returns them."""
    over = select(AllowedIp.id).where(AllowedIp.status.in_({S.ASKED, S.APPROVED}), AllowedIp.expires_at <= now)
    if not await session.scalar(over.limit(1)):
        return []
    await _hold_stack(session)
    locked = select(AllowedIp).where(AllowedIp.id.in_(over)).order_by(AllowedIp.id).with_for_update()
    ended = list(await session.scalars(locked.execution_options(populate_existing=True)))
    were_let_in = [ip for ip in ended if ip.can_be_removed]
    for ip in ended:
        ip.decide(S.EXPIRED, None, now)
        await _told(session, None, Action.EXPIRE_ALLOWED_IP, ip, now)
    if were_let_in and not await _is_being_destroyed(session):
        reason = "The time is over of " + ", ".join(f"{ip.cidr} ({ip.label})" for ip in were_let_in)
        await _request(session, None, settings, now, reason)
    return ended


async def living(session: AsyncSession, now: datetime) -> list[AllowedIp]:
    """All that are asked for or approved, with their owners, the newest first."""
    query = select(AllowedIp).where(AllowedIp.status.in_({S.ASKED, S.APPROVED})).options(joinedload(AllowedIp.owner))
    found = await session.scalars(query.order_by(AllowedIp.created_at.desc(), AllowedIp.id))
    return [ip for ip in found if ip.is_living(now)]


async def _refuse_what_is_there(
    session: AsyncSession, network: Network, spec: AllowedIpSpec, now: datetime, own: list[AllowedIp] | None = None
) -> None:
    """Raises InvalidError when one on the list lets it in as long, or the member has asked for a range around it."""
    around = [ip for ip in await living(session, now) if ip.contains(network) and ip.lasts_until(spec.expires_at)]
    for ip in around:
        if ip.is_wanted(now):
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


async def _request(
    session: AsyncSession, member: Member | None, settings: Settings, now: datetime, reason: str
) -> Run | None:
    """The run that makes the firewall so; None where there is no stack, and none is being made, that has one."""
    stack = await stacks.shared(session)
    if stack is None:
        return None
    spec = await shared_stack.desired(session, stack, settings)
    if not stack.exists and not await runs.under_way(session, stack.id, RunKind.CONFIGURE):
        return None
    return await shared_stack.request(session, stack, spec, member, settings, now, reason)


async def _told(
    session: AsyncSession,
    by: Member | None,
    action: Action,
    ip: AllowedIp,
    now: datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Into the audit, and to whoever looks at the list."""
    await session.flush()
    audit.record(session, by, action, ip.id, f"{ip.cidr} ({ip.label})", before, after, now=now)
    await live.signal(session, live.ALLOWED_IPS)


def _words(ip: AllowedIp, owner: Member) -> dict[str, Any]:
    return {"owner": owner.email, "expires_at": _iso(ip.expires_at)}


def _iso(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
