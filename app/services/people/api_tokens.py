"""Personal API tokens: shown once, stored hashed."""

from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from app.config import Settings
from app.crypto import digest, new_secret
from app.errors import InvalidError, NotFoundError
from app.models import Action, ApiToken, Member
from app.services import audit
from app.services.people import members

PREFIX = "stm_"
"""Begins every token, so that people and secret scanners recognise one."""
HINT_LENGTH = len(PREFIX) + 4
NAME_LENGTH = 60
MOST_A_MEMBER = 50
USED_EVERY = timedelta(minutes=1)


async def create(session: AsyncSession, member: Member, name: str, now: datetime) -> tuple[ApiToken, str]:
    """Make a token; returns its row, and the token itself, which is shown once and stored nowhere."""
    return await _create(session, member, name, member, now)


async def _create(
    session: AsyncSession, member: Member, name: str, by: Member | None, now: datetime
) -> tuple[ApiToken, str]:
    name = name.strip()
    if not 1 <= len(name) <= NAME_LENGTH or not name.isprintable():
        sentence = f"Say what the token is for, in 1 to {NAME_LENGTH} characters."
        raise InvalidError("The token was not made.", fields={"name": sentence})
    if await _count(session, member) >= MOST_A_MEMBER:
        sentence = f"You have {MOST_A_MEMBER} tokens: revoke one that you no longer need."
        raise InvalidError("The token was not made.", fields={"name": sentence})
    plain = PREFIX + new_secret()
    token = ApiToken(member_id=member.id, name=name, token_hash=digest(plain), hint=plain[:HINT_LENGTH], created_at=now)
    session.add(token)
    await session.flush()
    audit.record(session, by, Action.MAKE_TOKEN, token.id, token.name, after={"member": member.email}, now=now)
    return token, plain


async def create_for_email(
    session: AsyncSession, email: str, name: str, settings: Settings, now: datetime
) -> tuple[ApiToken, str]:
    """A token for the member with this address, for the operator's command line (see members.by_address)."""
    return await _create(session, await members.by_address(session, email, settings, now), name, None, now)


async def find(session: AsyncSession, plain: str, now: datetime) -> ApiToken | None:
    """The valid token, with its member, that this is."""
    if not plain.startswith(PREFIX):
        return None
    token = await session.scalar(
        select(ApiToken).where(ApiToken.token_hash == digest(plain)).options(joinedload(ApiToken.member))
    )
    if token is None or not token.is_valid:
        return None
    if token.last_used_at is None or now - token.last_used_at >= USED_EVERY:
        # Scripts send several requests at once: whoever comes second skips the row instead of waiting.
        own = select(ApiToken.id).where(ApiToken.id == token.id).with_for_update(skip_locked=True)
        await session.execute(update(ApiToken).where(ApiToken.id.in_(own)).values(last_used_at=now))
    return token


async def list_of(session: AsyncSession, member: Member) -> list[ApiToken]:
    """A member's tokens that were not revoked, the newest first."""
    rows = await session.scalars(
        select(ApiToken)
        .where(ApiToken.member_id == member.id, ApiToken.revoked_at.is_(None))
        .order_by(ApiToken.created_at.desc(), ApiToken.id)
    )
    return list(rows)


async def revoke(session: AsyncSession, member: Member, token_id: str, now: datetime) -> None:
    """End one of this member's tokens; raises NotFoundError when it is not theirs."""
    token = await session.scalar(select(ApiToken).where(ApiToken.id == token_id, ApiToken.member_id == member.id))
    if token is None:
        raise NotFoundError("API token")
    if token.is_valid:
        audit.record(session, member, Action.REVOKE_TOKEN, token.id, token.name, now=now)
    token.revoke(now)


async def _count(session: AsyncSession, member: Member) -> int:
    theirs = select(func.count()).where(ApiToken.member_id == member.id, ApiToken.revoked_at.is_(None))
    return await session.scalar(theirs) or 0
