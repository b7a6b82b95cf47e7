"""Members: who may sign in. A Google account's `sub` identifies a member."""

import re
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app import addresses
from app.config import Settings
from app.errors import InvalidError, NotFoundError, RefusedError
from app.infra.oidc import Identity
from app.live import access_topic, signal
from app.models import Action, Member, Role
from app.models.member import RESERVED_USERNAMES
from app.services import audit
from app.services.context import Context

_SIGN_IN_LOCK = 7_301_948_212
_NOT_YET_SIGNED_IN = "email:"
"""Prefix of the `sub` of a member who was created by email address and has not signed in yet."""
SSH_USERNAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
SSH_USERNAME_RULE = (
    "Use 1 to 32 lower-case letters, digits, hyphens and underscores. Start with a letter or an underscore."
)
CHOOSE_ANOTHER = "Sign in with another account, or ask an admin to allow this one."


class DisabledError(RefusedError):
    """An admin has disabled the account."""

    def __init__(self, email: str) -> None:
        super().__init__(f"The account {email} is disabled.", hint="Ask an admin to enable it.")


def check_may_sign_in(identity: Identity, settings: Settings) -> None:
    """Raises RefusedError unless a rule lets this account in.

    For an allowed address it is enough that Google has verified it. For an allowed domain, Google must also say that
    the domain manages the account (`hd`), since anyone can open a private Google account with a company's address.
    """
    if not identity.email_verified:
        raise RefusedError(
            f"Google has not verified the address {identity.email}.",
            hint="Verify the address in your Google account, then sign in again.",
        )
    if identity.email in settings.allowed_emails:
        return
    domain = identity.email.rpartition("@")[2]
    if domain not in settings.allowed_domains:
        raise RefusedError(f"{identity.email} is not allowed to use this portal.", hint=CHOOSE_ANOTHER)
    if identity.hd != domain:
        raise RefusedError(
            f"{identity.email} is a private Google account, not managed by {domain}.", hint=CHOOSE_ANOTHER
        )


async def sign_in(ctx: Context, identity: Identity) -> Member:
    """The member with this identity, created at their first sign-in. Raises RefusedError if they may not sign in."""
    session, now = ctx.session, ctx.now
    check_may_sign_in(identity, ctx.settings)
    if identity.sub.startswith(_NOT_YET_SIGNED_IN):
        raise RefusedError("The sign-in provider returned an invalid account ID.", hint=CHOOSE_ANOTHER)
    await one_at_a_time(session)
    member = await _by_sub(session, identity.sub)
    holder = await _by_email(session, identity.email)
    if disabled := next((known for known in (member, holder) if known and known.is_disabled), None):
        # Also another account that has the address by now: it is the person who was shut out.
        raise DisabledError(disabled.email)
    if holder and holder is not member:
        if member is None and holder.sub.startswith(_NOT_YET_SIGNED_IN):
            member = holder
        else:
            await _take_address_away(ctx, holder)
    before = _details(member) if member else None
    if member is None:
        member = Member.join(identity.sub, identity.email, identity.name, now)
        session.add(member)
    member.sub, member.email, member.name, member.last_seen_at = identity.sub, identity.email, identity.name, now
    member.refused_at = None
    await _promote_first_admin(ctx, member)
    await session.flush()
    _record(ctx.acting(member), member, before)
    return member


async def of_account(session: AsyncSession, identity: Identity) -> Member | None:
    """The member that this account is, if it is one's; no sign-in goes on beside the caller's transaction."""
    await one_at_a_time(session)
    is_google_s = not identity.sub.startswith(_NOT_YET_SIGNED_IN)
    return await _by_sub(session, identity.sub) if is_google_s else None


async def by_address(ctx: Context, email: str) -> Member:
    """The member with this email address, for the operator's command line.

    Someone who has never signed in gets a row, which their first sign-in takes over. Raises RefusedError if they may
    not sign in.
    """
    email = email.strip()
    if not (addresses.is_address(email) and ctx.settings.may_sign_in_by_rule(email := addresses.parse(email))):
        raise RefusedError(
            f"{email or 'An empty address'} is not allowed to use this portal.",
            hint="Add it to STATIONMASTER_ALLOWED_EMAILS first.",
        )
    await one_at_a_time(ctx.session)
    member = await _by_email(ctx.session, email)
    if member is None:
        member = Member.join(_NOT_YET_SIGNED_IN + email, email, email.partition("@")[0], ctx.now)
        ctx.session.add(member)
        await _promote_first_admin(ctx, member)
        await ctx.session.flush()
        _record(ctx.acting(None), member, None)
    if member.is_disabled:
        raise DisabledError(member.email)
    return member


async def admins(ctx: Context) -> list[Member]:
    """Admins who may sign in, by name."""
    found = await ctx.session.scalars(select(Member).where(Member.role == Role.ADMIN).order_by(Member.name))
    return [member for member in found if member.may_sign_in(ctx.settings)]


async def known(session: AsyncSession, email: str) -> Member | None:
    """The member with this email address, if there is one."""
    return await _by_email(session, addresses.parse(email)) if addresses.is_address(email) else None


async def named(session: AsyncSession, email: str) -> Member:
    """The member with this email address. Raises NotFoundError if there is none."""
    member = await known(session, email)
    if member is None:
        raise NotFoundError("member")
    return member


async def find(session: AsyncSession, member_id: str) -> Member:
    """One member. Raises NotFoundError."""
    member = await session.get(Member, member_id)
    if member is None:
        raise NotFoundError("member")
    return member


def check_ssh_username(name: str) -> str | None:
    """Why this cannot be a username on a machine; None if it can. Others may use it on their own machines."""
    if not SSH_USERNAME.fullmatch(name):
        return SSH_USERNAME_RULE
    if name in RESERVED_USERNAMES:
        return f"{name} is reserved by the system. Choose another username."
    return None


async def choose_ssh_username(ctx: Context, name: str) -> None:
    """Set the member's username on new machines; if empty, it is derived from their email address.

    Existing machines keep their username, because files and processes belong to it. Raises InvalidError.
    """
    if name and (problem := check_ssh_username(name)):
        raise InvalidError("The username was not changed.", fields={"ssh_username": problem})
    member = ctx.member
    before = {"ssh_username": member.ssh_username}
    member.chosen_ssh_username = name or None
    after = {"ssh_username": member.ssh_username}
    await ctx.session.flush()
    if after != before:
        audit.record(ctx, Action.CHANGE_MEMBER, member.id, member.email, before, after)


async def one_at_a_time(session: AsyncSession) -> None:
    """Take a lock: two sign-ins at the same time could both create the same member. Sign-ins are rare."""
    await session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _SIGN_IN_LOCK})


async def _by_sub(session: AsyncSession, sub: str) -> Member | None:
    return await session.scalar(select(Member).where(Member.sub == sub))


async def _by_email(session: AsyncSession, email: str) -> Member | None:
    return await session.scalar(select(Member).where(Member.email == email))


async def _take_address_away(ctx: Context, former: Member) -> None:
    """Replace the email address of its former holder, because it belongs to another Google account now.

    The replacement is not allowed to sign in, so the former holder's sessions and tokens stop working until they sign
    in with another address.
    """
    before = _details(former)
    former.email = f"{former.email.partition('@')[0]}@{former.id}.invalid"
    await ctx.session.flush()
    await signal(ctx.session, access_topic(former.id))
    _record(ctx.acting(None), former, before)


async def _promote_first_admin(ctx: Context, member: Member) -> None:
    if member.email != ctx.settings.first_admin:
        return
    if not await admins(ctx):
        member.role = Role.ADMIN


def _details(member: Member) -> dict[str, Any]:
    return {"email": member.email, "role": member.role}


def _record(ctx: Context, member: Member, before: dict[str, Any] | None) -> None:
    """Add an audit entry for a changed member; `before` is None for a new one."""
    after = _details(member)
    if after != before:
        action = Action.CHANGE_MEMBER if before else Action.JOIN_MEMBER
        audit.record(ctx, action, member.id, member.email, before, after)
