"""Sign-ins: the browsers a member is signed in with. The cookie holds a secret, the row its hash."""

from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from app.crypto import digest, new_secret
from app.errors import NotFoundError
from app.models import Action, Member, SignIn
from app.services import audit

SEEN_EVERY = timedelta(minutes=1)
"""How exact `last_seen_at` is: a write for every request would be too much for what it is worth."""
KEPT_AFTER_THE_END = timedelta(days=30)
USER_AGENT_LENGTH = 300


async def start(
    session: AsyncSession, member: Member, *, lasts: timedelta, address: str, user_agent: str, now: datetime
) -> tuple[SignIn, str]:
    """Sign a browser in; returns the row, and the secret for its cookie, which is stored nowhere."""
    secret = new_secret()
    sign_in = SignIn(
        member=member,
        token_hash=digest(secret),
        created_at=now,
        expires_at=now + lasts,
        last_seen_at=now,
        address=address,
        user_agent=user_agent[:USER_AGENT_LENGTH],
    )
    session.add(sign_in)
    await session.flush()
    _record(session, member, Action.START_SIGN_IN, sign_in, now)
    return sign_in, secret


async def find(session: AsyncSession, secret: str, now: datetime) -> SignIn | None:
    """The valid sign-in, with its member, that this cookie's secret belongs to."""
    sign_in = await session.scalar(
        select(SignIn).where(SignIn.token_hash == digest(secret)).options(joinedload(SignIn.member))
    )
    if sign_in is None or not sign_in.is_valid(now):
        return None
    if now - sign_in.last_seen_at >= SEEN_EVERY:
        await _seen(session, sign_in, now)
    return sign_in


async def _seen(session: AsyncSession, sign_in: SignIn, now: datetime) -> None:
    # A browser sends several requests at once: whoever comes second skips the row instead of waiting for the first.
    own = select(SignIn.id).where(SignIn.id == sign_in.id).with_for_update(skip_locked=True)
    await session.execute(update(SignIn).where(SignIn.id.in_(own)).values(last_seen_at=now))
    person = select(Member.id).where(Member.id == sign_in.member_id).with_for_update(skip_locked=True, key_share=True)
    await session.execute(update(Member).where(Member.id.in_(person)).values(last_seen_at=now))


async def list_of(session: AsyncSession, member: Member, now: datetime) -> list[SignIn]:
    """A member's valid sign-ins, the one seen last first."""
    rows = await session.scalars(
        select(SignIn)
        .where(SignIn.member_id == member.id, SignIn.revoked_at.is_(None), SignIn.expires_at > now)
        .order_by(SignIn.last_seen_at.desc(), SignIn.created_at.desc(), SignIn.id)
    )
    return list(rows)


async def revoke(session: AsyncSession, member: Member, sign_in_id: str, now: datetime) -> None:
    """End one of this member's sign-ins; raises NotFoundError when it is not theirs."""
    sign_in = await session.scalar(select(SignIn).where(SignIn.id == sign_in_id, SignIn.member_id == member.id))
    if sign_in is None:
        raise NotFoundError("sign-in")
    if sign_in.is_valid(now):
        _record(session, member, Action.REVOKE_SIGN_IN, sign_in, now)
    sign_in.revoke(now)


async def sign_out(session: AsyncSession, secret: str, now: datetime) -> None:
    """End the sign-in of this cookie; one that has ended already is fine."""
    sign_in = await session.scalar(
        select(SignIn).where(SignIn.token_hash == digest(secret)).options(joinedload(SignIn.member))
    )
    if sign_in and sign_in.is_valid(now):
        _record(session, sign_in.member, Action.END_SIGN_IN, sign_in, now)
        sign_in.revoke(now)


def _record(session: AsyncSession, by: Member, action: Action, sign_in: SignIn, now: datetime) -> None:
    audit.record(session, by, action, sign_in.id, sign_in.address, now=now)


async def forget_ended(session: AsyncSession, now: datetime) -> None:
    """Delete what ended long ago."""
    before = now - KEPT_AFTER_THE_END
    await session.execute(delete(SignIn).where(or_(SignIn.expires_at < before, SignIn.revoked_at < before)))
