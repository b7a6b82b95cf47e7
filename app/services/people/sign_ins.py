"""Sign-ins: the browsers a member is signed in with. The cookie holds a secret, the row its hash."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from app.crypto import digest, new_secret
from app.errors import NotFoundError
from app.live import access_topic, signal
from app.models import Action, Member, SignIn
from app.services import audit
from app.services.context import Context

SEEN_EVERY = timedelta(minutes=1)
"""Precision of `last_seen_at`: it is not worth a write for every request."""
KEPT_AFTER_THE_END = timedelta(days=30)
USER_AGENT_LENGTH = 300


@dataclass(frozen=True)
class NewSignIn:
    """A sign-in that was just created."""

    row: SignIn
    secret: str = field(repr=False)
    """The value of the browser's cookie; stored nowhere."""


async def start(ctx: Context, *, address: str, user_agent: str, confirmed_at: datetime | None = None) -> NewSignIn:
    """Sign the browser of the context's member in; `confirmed_at` for a sign-in that counts as fresh since then."""
    secret = new_secret()
    sign_in = SignIn(
        member=ctx.member,
        token_hash=digest(secret),
        created_at=ctx.now,
        expires_at=ctx.now + timedelta(hours=ctx.settings.session_hours),
        last_seen_at=ctx.now,
        address=address,
        user_agent=user_agent[:USER_AGENT_LENGTH],
        confirmed_at=confirmed_at,
    )
    ctx.session.add(sign_in)
    await ctx.session.flush()
    _record(ctx, Action.START_SIGN_IN, sign_in)
    return NewSignIn(sign_in, secret)


async def find(session: AsyncSession, secret: str, now: datetime) -> SignIn | None:
    """The valid sign-in with this cookie secret, with its member loaded; None if there is none."""
    sign_in = await session.scalar(
        select(SignIn).where(SignIn.token_hash == digest(secret)).options(joinedload(SignIn.member))
    )
    if sign_in is None or not sign_in.is_valid(now):
        return None
    if now - sign_in.last_seen_at >= SEEN_EVERY:
        await _seen(session, sign_in, now)
    return sign_in


async def _seen(session: AsyncSession, sign_in: SignIn, now: datetime) -> None:
    # A browser sends several requests at once: skip_locked, so that the second one does not wait for the first.
    own = select(SignIn.id).where(SignIn.id == sign_in.id).with_for_update(skip_locked=True)
    await session.execute(update(SignIn).where(SignIn.id.in_(own)).values(last_seen_at=now))
    person = select(Member.id).where(Member.id == sign_in.member_id).with_for_update(skip_locked=True, key_share=True)
    await session.execute(update(Member).where(Member.id.in_(person)).values(last_seen_at=now))


async def list_of(session: AsyncSession, member: Member, now: datetime) -> list[SignIn]:
    """A member's valid sign-ins, most recently used first."""
    rows = await session.scalars(
        select(SignIn)
        .where(SignIn.member_id == member.id, SignIn.revoked_at.is_(None), SignIn.expires_at > now)
        .order_by(SignIn.last_seen_at.desc(), SignIn.created_at.desc(), SignIn.id)
    )
    return list(rows)


async def revoke(ctx: Context, sign_in_id: str) -> None:
    """End a sign-in of the context's member. Raises NotFoundError if it is not theirs."""
    own = select(SignIn).where(SignIn.id == sign_in_id, SignIn.member_id == ctx.member.id)
    sign_in = await ctx.session.scalar(own)
    if sign_in is None:
        raise NotFoundError("sign-in")
    if sign_in.is_valid(ctx.now):
        _record(ctx, Action.REVOKE_SIGN_IN, sign_in)
    await _end(ctx, sign_in)


async def revoke_all(ctx: Context, member: Member) -> int:
    """End all sign-ins of a member; returns how many there were."""
    valid = await list_of(ctx.session, member, ctx.now)
    for sign_in in valid:
        await _end(ctx, sign_in)
    return len(valid)


async def end_all(ctx: Context, member: Member) -> None:
    """An admin ends all sign-ins of a member."""
    for sign_in in await list_of(ctx.session, member, ctx.now):
        _record(ctx, Action.REVOKE_SIGN_IN, sign_in)
        await _end(ctx, sign_in)


async def sign_out(ctx: Context, secret: str) -> None:
    """End the sign-in with this cookie secret; no error if it has already ended."""
    sign_in = await ctx.session.scalar(
        select(SignIn).where(SignIn.token_hash == digest(secret)).options(joinedload(SignIn.member))
    )
    if sign_in and sign_in.is_valid(ctx.now):
        _record(ctx.acting(sign_in.member), Action.END_SIGN_IN, sign_in)
        await _end(ctx, sign_in)


async def _end(ctx: Context, sign_in: SignIn) -> None:
    sign_in.revoke(ctx.now)
    await signal(ctx.session, access_topic(sign_in.member_id))


def _record(ctx: Context, action: Action, sign_in: SignIn) -> None:
    audit.record(ctx, action, sign_in.id, sign_in.address)


async def forget_ended(session: AsyncSession, now: datetime) -> None:
    """Delete sign-ins that ended long ago."""
    before = now - KEPT_AFTER_THE_END
    await session.execute(delete(SignIn).where(or_(SignIn.expires_at < before, SignIn.revoked_at < before)))
