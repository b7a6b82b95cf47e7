"""Key pairs that the portal generates. Their private keys are stored in Secret Manager.

Secret Manager is never called within a transaction. A secret is recorded as unclaimed, created, and then claimed in the
transaction that saves its key. If anything fails in between, the record names the secret that has to be deleted.
"""

import asyncio
import re
from dataclasses import dataclass
from datetime import timedelta

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from sqlalchemy import delete, select, update
from sqlalchemy.exc import SQLAlchemyError

from app.clock import Clock
from app.config import Settings
from app.db import Database
from app.errors import ConflictError, UnavailableError
from app.infra.secrets import SecretStore
from app.models import Member, SshKey, UnclaimedSecret
from app.models.base import short_id
from app.services.context import Context
from app.services.keys import public_keys
from app.services.keys.public_keys import PublicKey

CLAIMED_WITHIN = timedelta(minutes=2)
"""Longer than Secret Manager's timeouts and the transaction that claims the secret."""
CHECK_SECONDS = 60.0

log = structlog.get_logger()


@dataclass(frozen=True)
class KeyPair:
    """A key pair whose private key is in Secret Manager. The SSH key will have this ID."""

    key_id: str
    public_key: PublicKey
    secret_name: str


async def generate(ctx: Context, owner: Member) -> KeyPair:
    """Generate an Ed25519 pair for `claim`. Commits the context's transaction before it calls Secret Manager.

    Raises UnavailableError.
    """
    private = Ed25519PrivateKey.generate()
    written = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    key_id = short_id(10)
    pair = KeyPair(key_id, public_keys.parse(written), secret_name(ctx.settings, owner, key_id))
    ctx.session.add(UnclaimedSecret(name=pair.secret_name, created_at=ctx.now))
    # The record must survive whatever happens to the call.
    await ctx.session.commit()
    payload = private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    await ctx.secrets.put(pair.secret_name, payload)
    return pair


async def claim(ctx: Context, owner: Member, pair: KeyPair, name: str) -> SshKey:
    """Save the key of a pair, in the caller's transaction. Raises ConflictError if it is too late."""
    unclaimed = UnclaimedSecret.name == pair.secret_name, ~UnclaimedSecret.is_expired
    if not await ctx.session.scalar(delete(UnclaimedSecret).where(*unclaimed).returning(UnclaimedSecret.name)):
        raise ConflictError("Generating the SSH key took too long.", hint="Try again.")
    key = SshKey(
        id=pair.key_id,
        member_id=owner.id,
        name=name,
        public_key=pair.public_key.line(name),
        fingerprint=pair.public_key.fingerprint,
        secret_name=pair.secret_name,
        created_at=ctx.now,
    )
    ctx.session.add(key)
    await ctx.session.flush()
    log.info("ssh key generated", member=owner.id, key=key.id, fingerprint=key.fingerprint)
    return key


def secret_name(settings: Settings, member: Member, key_id: str) -> str:
    """COMPUTE-<PREFIX>-<USER>-<KEY ID>-PRIVATE-KEY, in characters that Secret Manager allows."""
    words = f"{settings.secret_prefix}-{member.name_in_address}-{key_id}".upper()
    middle = re.sub(r"[^A-Z0-9_-]", "-", words)
    return f"COMPUTE-{middle}-PRIVATE-KEY"


async def delete_unclaimed_for_ever(database: Database, secrets: SecretStore, clock: Clock) -> None:
    """Delete secrets that were not claimed in time, until cancelled. After a failure, try again."""
    while True:
        await asyncio.sleep(CHECK_SECONDS)
        try:
            await delete_unclaimed(database, secrets, clock)
        except (SQLAlchemyError, UnavailableError) as error:
            log.warning("unclaimed secrets could not be deleted, will try again", error=str(error))


async def delete_unclaimed(database: Database, secrets: SecretStore, clock: Clock) -> None:
    """Delete secrets that were not claimed in time, once."""
    is_late = UnclaimedSecret.created_at < clock() - CLAIMED_WITHIN
    # In a separate transaction, so that claims of these secrets are refused from now on.
    async with database.transaction() as session:
        await session.execute(update(UnclaimedSecret).where(is_late).values(is_expired=True))
    async with database.transaction() as session:
        names = list(await session.scalars(select(UnclaimedSecret.name).where(UnclaimedSecret.is_expired)))
    # Several web processes may delete the same secret, which does no harm.
    for name in names:
        await secrets.delete(name)
        log.info("unclaimed secret deleted", secret=name)
        async with database.transaction() as session:
            await session.execute(delete(UnclaimedSecret).where(UnclaimedSecret.name == name))
