"""Security keys: which ones members have, and having them used.

A challenge belongs to one sign-in and is used once: taking it is committed before the response is looked at.
"""

import secrets
from collections.abc import Sequence
from datetime import timedelta

import structlog
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import ConflictError, InvalidError, NotFoundError, RefusedError
from app.infra import relying_party
from app.infra.relying_party import Credential, RelyingParty, SecurityKeyFailedError, unavailable_because
from app.models import Action, Member, SecurityKey, SecurityKeyChallenge, SignIn
from app.services import audit
from app.services.context import Context

CHALLENGE_FOR = timedelta(seconds=relying_party.TIMEOUT_SECONDS)
CHALLENGE_BYTES = 32
MOST_A_MEMBER = 10
MOST_OPEN_PAGES = 10
"""Pages that one browser may have open, each with its challenge."""
NAME_LENGTH = 60

log = structlog.get_logger()


async def list_of(session: AsyncSession, member: Member) -> list[SecurityKey]:
    """All keys of a member, oldest first."""
    own = select(SecurityKey).where(SecurityKey.member_id == member.id)
    return list(await session.scalars(own.order_by(SecurityKey.added_at, SecurityKey.id)))


async def usable(ctx: Context, member: Member) -> list[SecurityKey]:
    """The keys that browsers let this member use at the portal's URL: none were added under another domain."""
    party = RelyingParty.of(ctx.settings)
    return [key for key in await list_of(ctx.session, member) if party and key.domain == party.domain]


async def owners(ctx: Context) -> int:
    """How many members have a key that can be used."""
    if (party := RelyingParty.of(ctx.settings)) is None:
        return 0
    having = select(func.count(SecurityKey.member_id.distinct())).where(SecurityKey.domain == party.domain)
    return await ctx.session.scalar(having) or 0


async def own(session: AsyncSession, member: Member, key_id: str) -> SecurityKey:
    """One of this member's keys. Raises NotFoundError for other members'."""
    key = await session.get(SecurityKey, key_id)
    if key is None or key.member_id != member.id:
        raise NotFoundError("security key")
    return key


async def offer_new(ctx: Context, sign_in: SignIn) -> str:
    """What the browser needs to add a key, as JSON. Raises ConflictError if the portal's URL allows none."""
    member = ctx.member
    known = _credentials(await list_of(ctx.session, member))
    user = (member.id, member.email, member.name)
    return _party(ctx).creation_options(await _challenge(ctx, sign_in), user, known)


async def offer_use(ctx: Context, sign_in: SignIn) -> str:
    """What the browser needs to have one of the member's keys used, as JSON. Raises as `offer_new` does."""
    return _party(ctx).request_options(await _challenge(ctx, sign_in), _credentials(await usable(ctx, ctx.member)))


async def add(ctx: Context, sign_in: SignIn, name: str, response: str) -> SecurityKey:
    """Add a key by the browser's response to `offer_new`. It confirms the sign-in as a use of the key would.

    Raises InvalidError for the name and for the response, and ConflictError for a key that somebody has added already.
    """
    party, name = _party(ctx), name.strip()
    if not 1 <= len(name) <= NAME_LENGTH or not name.isprintable():
        raise InvalidError("The security key was not added.", fields={"name": f"Enter 1 to {NAME_LENGTH} characters."})
    challenge = await _take(ctx, sign_in, response)
    credential = party.verify_new(response, challenge)
    if len(await list_of(ctx.session, ctx.member)) >= MOST_A_MEMBER:
        raise ConflictError(f"You already have {MOST_A_MEMBER} security keys.", hint="Remove one first.")
    key = SecurityKey(
        member_id=ctx.member.id,
        name=name,
        domain=party.domain,
        credential_id=credential.id,
        public_key=credential.public_key,
        sign_count=credential.sign_count,
        transports=list(credential.transports),
        added_at=ctx.now,
    )
    try:
        async with ctx.session.begin_nested():
            ctx.session.add(key)
    except IntegrityError as error:
        raise ConflictError("This security key was already added.", hint="Use another one.") from error
    sign_in.key_used_at = ctx.now
    audit.record(ctx, Action.ADD_SECURITY_KEY, key.id, key.name, after={"member": ctx.member.email})
    return key


async def use(ctx: Context, sign_in: SignIn, response: str) -> None:
    """Confirm the sign-in by the browser's response to `offer_use`.

    Raises SecurityKeyFailedError, and RefusedError for a key of somebody else and for one that may be a copy.
    """
    party, challenge = _party(ctx), await _take(ctx, sign_in, response)
    claimed = relying_party.credential_id(response)
    query = select(SecurityKey).where(
        SecurityKey.credential_id == claimed,
        SecurityKey.member_id == ctx.member.id,
        SecurityKey.domain == party.domain,
    )
    key = await ctx.session.scalar(query.with_for_update())
    if key is None:
        raise RefusedError("This security key is not one of yours.", hint="Use a key that your account page lists.")
    sign_count = party.verify_use(response, challenge, key.public_key)
    if key.may_be_copy(sign_count):
        await _refuse_copy(ctx, key, sign_count)
    key.sign_count, key.last_used_at, sign_in.key_used_at = sign_count, ctx.now, ctx.now
    audit.record(ctx, Action.USE_SECURITY_KEY, key.id, key.name)


async def _refuse_copy(ctx: Context, key: SecurityKey, sign_count: int) -> None:
    counts = {"sign_count": key.sign_count}, {"sign_count": sign_count}
    audit.record(ctx, Action.REFUSE_SECURITY_KEY, key.id, key.name, *counts)
    log.warning("a security key may be a copy", member=ctx.member.id, key=key.id)
    # The entry stays, whatever becomes of the request.
    await ctx.session.commit()
    raise RefusedError(
        f"The counter of {key.name} did not increase, so there may be a copy of this security key.",
        hint="Use another key, or ask an admin to remove this one.",
    )


async def remove(ctx: Context, key: SecurityKey) -> None:
    """Remove a key. No session of its member counts as confirmed by a key from here on."""
    member = await ctx.session.get_one(Member, key.member_id)
    await ctx.session.delete(key)
    # Waits for a use of the key that goes on at the same time, whose confirmation then ends as well.
    await ctx.session.flush()
    confirmed = update(SignIn).where(SignIn.member_id == member.id, SignIn.key_used_at.is_not(None))
    await ctx.session.execute(confirmed.values(key_used_at=None))
    audit.record(ctx, Action.REMOVE_SECURITY_KEY, key.id, key.name, before={"member": member.email})


async def remove_all(ctx: Context, member: Member) -> int:
    """Remove all keys of a member, such as of somebody who lost theirs; returns how many there were."""
    keys = await list_of(ctx.session, member)
    for key in keys:
        await remove(ctx, key)
    return len(keys)


def _party(ctx: Context) -> RelyingParty:
    party = RelyingParty.of(ctx.settings)
    if party is None:
        raise ConflictError(unavailable_because(ctx.settings), hint="Ask the operator of this portal.")
    return party


def _credentials(keys: Sequence[SecurityKey]) -> list[Credential]:
    return [Credential(key.credential_id, key.transports, key.public_key) for key in keys]


async def _challenge(ctx: Context, sign_in: SignIn) -> bytes:
    """A new challenge for this sign-in. Each open page has its own."""
    own = SecurityKeyChallenge.sign_in_id == sign_in.id
    newest = select(SecurityKeyChallenge.challenge).where(own, SecurityKeyChallenge.expires_at > ctx.now)
    newest = newest.order_by(SecurityKeyChallenge.expires_at.desc()).limit(MOST_OPEN_PAGES - 1)
    await ctx.session.execute(delete(SecurityKeyChallenge).where(own, SecurityKeyChallenge.challenge.not_in(newest)))
    challenge = secrets.token_bytes(CHALLENGE_BYTES)
    ctx.session.add(
        SecurityKeyChallenge(challenge=challenge, sign_in_id=sign_in.id, expires_at=ctx.now + CHALLENGE_FOR)
    )
    return challenge


async def _take(ctx: Context, sign_in: SignIn, response: str) -> bytes:
    """The challenge that a response claims to be for. Raises SecurityKeyFailedError if it is not this sign-in's."""
    claimed = relying_party.challenge_of(response)
    pending = delete(SecurityKeyChallenge).where(
        SecurityKeyChallenge.challenge == claimed, SecurityKeyChallenge.sign_in_id == sign_in.id
    )
    expires_at = await ctx.session.scalar(pending.returning(SecurityKeyChallenge.expires_at))
    await ctx.session.commit()
    if expires_at is None or ctx.now >= expires_at:
        raise SecurityKeyFailedError("This page was opened too long ago, or used already.")
    return claimed
