"""Personal API tokens: shown once, stored hashed."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from app.crypto import digest, new_secret
from app.errors import InvalidError, NotFoundError, SignInRequiredError
from app.live import access_topic, signal
from app.models import Action, ApiToken, Member, Scope
from app.services import audit
from app.services.context import Context
from app.services.people import members

PREFIX = "stm_"
"""Prefix of every token, by which people and secret scanners recognize one."""
HINT_LENGTH = len(PREFIX) + 4
NAME_LENGTH = 60
MOST_A_MEMBER = 50
USED_EVERY = timedelta(minutes=1)
DAYS = 90
"""How long a token is valid where nothing else is chosen."""
MOST_DAYS = 365
LISTED_AFTER_EXPIRY = timedelta(days=30)


class TokenExpiredError(SignInRequiredError):
    """The token was valid once."""

    code = "token_expired"


@dataclass(frozen=True)
class NewToken:
    """A token that was just created."""

    row: ApiToken
    plain: str = field(repr=False)
    """The token itself, which is shown once and stored nowhere."""


async def create(ctx: Context, name: str, scope: Scope = Scope.MACHINES, days: int = DAYS) -> NewToken:
    """Create a token for the context's member, valid for so many days.

    Raises InvalidError with a sentence for each invalid field.
    """
    return await _create(ctx, ctx.member, name, scope, days)


async def create_for_email(
    ctx: Context, email: str, name: str, scope: Scope | None = None, days: int = DAYS
) -> NewToken:
    """Create a token for the member with this email address, for the operator's command line.

    :param scope: None for everything that the member may do.
    """
    member = await members.by_address(ctx, email)
    return await _create(ctx, member, name, scope or Scope.of(member)[-1], days)


async def _create(ctx: Context, member: Member, name: str, scope: Scope, days: int) -> NewToken:
    name = name.strip()
    problems = _problems(member, name, scope, days)
    if await _count(ctx, member) >= MOST_A_MEMBER:
        problems["name"] = f"You already have {MOST_A_MEMBER} tokens. Revoke one that you no longer need."
    if problems:
        raise InvalidError("The token was not created.", fields=problems)
    plain = PREFIX + new_secret()
    token = ApiToken(
        member_id=member.id,
        name=name,
        scope=scope,
        token_hash=digest(plain),
        hint=plain[:HINT_LENGTH],
        created_at=ctx.now,
        expires_at=ctx.now + timedelta(days=days),
    )
    ctx.session.add(token)
    await ctx.session.flush()
    after = {"member": member.email, "scope": scope, "expires_at": token.expires_at.isoformat(timespec="seconds")}
    audit.record(ctx, Action.MAKE_TOKEN, token.id, token.name, after=after)
    return NewToken(token, plain)


def _problems(member: Member, name: str, scope: Scope, days: int) -> dict[str, str]:
    problems = {}
    if not 1 <= len(name) <= NAME_LENGTH or not name.isprintable():
        problems["name"] = f"Enter what the token is used for, in 1 to {NAME_LENGTH} characters."
    if scope not in Scope.of(member):
        problems["scope"] = "Only admins can create tokens with this scope."
    if not 1 <= days <= MOST_DAYS:
        problems["days"] = f"Enter 1 to {MOST_DAYS} days."
    return problems


async def authenticate(session: AsyncSession, plain: str, now: datetime) -> ApiToken | None:
    """The valid token with this text, with its member loaded; None if there is none.

    Raises TokenExpiredError for one whose time is over.
    """
    if not plain.startswith(PREFIX):
        return None
    token = await session.scalar(
        select(ApiToken).where(ApiToken.token_hash == digest(plain)).options(joinedload(ApiToken.member))
    )
    if token is None or token.revoked_at:
        return None
    if token.is_expired(now):
        ended = f"{token.expires_at:%-d %b %Y}"
        raise TokenExpiredError(f"This API token expired on {ended}. Create a new one on your account page.")
    if token.last_used_at is None or now - token.last_used_at >= USED_EVERY:
        # Scripts send several requests at once: skip_locked, so that the second one does not wait for the first.
        own = select(ApiToken.id).where(ApiToken.id == token.id).with_for_update(skip_locked=True)
        await session.execute(update(ApiToken).where(ApiToken.id.in_(own)).values(last_used_at=now))
    return token


async def list_of(session: AsyncSession, member: Member, now: datetime) -> list[ApiToken]:
    """A member's tokens that were not revoked, newest first; for some time also those that have expired."""
    rows = await session.scalars(
        _of(member)
        .where(ApiToken.expires_at > now - LISTED_AFTER_EXPIRY)
        .order_by(ApiToken.created_at.desc(), ApiToken.id)
    )
    return list(rows)


def _of(member: Member) -> Select[ApiToken]:
    return select(ApiToken).where(ApiToken.member_id == member.id, ApiToken.revoked_at.is_(None))


async def own(session: AsyncSession, member: Member, token_id: str) -> ApiToken:
    """One of this member's tokens. Raises NotFoundError for other members' tokens, even for admins."""
    token = await session.get(ApiToken, token_id)
    if token is None or token.member_id != member.id:
        raise NotFoundError("API token")
    return token


async def find(session: AsyncSession, member: Member, token_id: str) -> ApiToken:
    """One of the member's tokens, or anybody's for an admin. Raises NotFoundError."""
    token = await session.get(ApiToken, token_id)
    if token is None or not (member.is_admin or token.member_id == member.id):
        raise NotFoundError("API token")
    return token


async def revoke(ctx: Context, token: ApiToken) -> None:
    """Revoke a token; a second time changes nothing."""
    if token.is_valid(ctx.now):
        audit.record(ctx, Action.REVOKE_TOKEN, token.id, token.name)
    await _end(ctx, token)


async def revoke_all(ctx: Context, member: Member) -> int:
    """Revoke all tokens of a member; returns how many there were."""
    valid = list(await ctx.session.scalars(_of(member).where(ApiToken.expires_at > ctx.now)))
    for token in valid:
        await _end(ctx, token)
    return len(valid)


async def _end(ctx: Context, token: ApiToken) -> None:
    token.revoke(ctx.now)
    await signal(ctx.session, access_topic(token.member_id))


async def _count(ctx: Context, member: Member) -> int:
    valid = _of(member).where(ApiToken.expires_at > ctx.now)
    return await ctx.session.scalar(select(func.count()).select_from(valid.subquery())) or 0
