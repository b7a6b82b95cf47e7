"""Personal API tokens: shown once, stored hashed."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from app.crypto import digest, new_secret
from app.errors import InvalidError, NotFoundError
from app.live import access_topic, signal
from app.models import Action, ApiToken, Member
from app.services import audit
from app.services.context import Context
from app.services.people import members

PREFIX = "stm_"
"""Prefix of every token, by which people and secret scanners recognize one."""
HINT_LENGTH = len(PREFIX) + 4
NAME_LENGTH = 60
MOST_A_MEMBER = 50
USED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class NewToken:
    """A token that was just created."""

    row: ApiToken
    plain: str = field(repr=False)
    """The token itself, which is shown once and stored nowhere."""


async def create(ctx: Context, name: str) -> NewToken:
    """Create a token for the context's member. Raises InvalidError."""
    return await _create(ctx, ctx.member, name)


async def _create(ctx: Context, member: Member, name: str) -> NewToken:
    name = name.strip()
    if not 1 <= len(name) <= NAME_LENGTH or not name.isprintable():
        sentence = f"Enter what the token is used for, in 1 to {NAME_LENGTH} characters."
        raise InvalidError("The token was not created.", fields={"name": sentence})
    if await _count(ctx.session, member) >= MOST_A_MEMBER:
        sentence = f"You already have {MOST_A_MEMBER} tokens. Revoke one that you no longer need."
        raise InvalidError("The token was not created.", fields={"name": sentence})
    plain = PREFIX + new_secret()
    hint = plain[:HINT_LENGTH]
    token = ApiToken(member_id=member.id, name=name, token_hash=digest(plain), hint=hint, created_at=ctx.now)
    ctx.session.add(token)
    await ctx.session.flush()
    audit.record(ctx, Action.MAKE_TOKEN, token.id, token.name, after={"member": member.email})
    return NewToken(token, plain)


async def create_for_email(ctx: Context, email: str, name: str) -> NewToken:
    """Create a token for the member with this email address, for the operator's command line."""
    return await _create(ctx, await members.by_address(ctx, email), name)


async def find(session: AsyncSession, plain: str, now: datetime) -> ApiToken | None:
    """The valid token with this text, with its member loaded; None if there is none."""
    if not plain.startswith(PREFIX):
        return None
    token = await session.scalar(
        select(ApiToken).where(ApiToken.token_hash == digest(plain)).options(joinedload(ApiToken.member))
    )
    if token is None or not token.is_valid:
        return None
    if token.last_used_at is None or now - token.last_used_at >= USED_EVERY:
        # Scripts send several requests at once: skip_locked, so that the second one does not wait for the first.
        own = select(ApiToken.id).where(ApiToken.id == token.id).with_for_update(skip_locked=True)
        await session.execute(update(ApiToken).where(ApiToken.id.in_(own)).values(last_used_at=now))
    return token


async def list_of(session: AsyncSession, member: Member) -> list[ApiToken]:
    """A member's tokens that were not revoked, newest first."""
    rows = await session.scalars(
        select(ApiToken)
        .where(ApiToken.member_id == member.id, ApiToken.revoked_at.is_(None))
        .order_by(ApiToken.created_at.desc(), ApiToken.id)
    )
    return list(rows)


async def revoke(ctx: Context, token_id: str) -> None:
    """Revoke a token of the context's member. Raises NotFoundError if it is not theirs."""
    own = select(ApiToken).where(ApiToken.id == token_id, ApiToken.member_id == ctx.member.id)
    token = await ctx.session.scalar(own)
    if token is None:
        raise NotFoundError("API token")
    if token.is_valid:
        audit.record(ctx, Action.REVOKE_TOKEN, token.id, token.name)
    await _end(ctx, token)


async def revoke_all(ctx: Context, member: Member) -> int:
    """Revoke all tokens of a member; returns how many there were."""
    valid = await list_of(ctx.session, member)
    for token in valid:
        await _end(ctx, token)
    return len(valid)


async def _end(ctx: Context, token: ApiToken) -> None:
    token.revoke(ctx.now)
    await signal(ctx.session, access_topic(token.member_id))


async def _count(session: AsyncSession, member: Member) -> int:
    theirs = select(func.count()).where(ApiToken.member_id == member.id, ApiToken.revoked_at.is_(None))
    return await session.scalar(theirs) or 0
