"""Members' SSH keys: imported public keys, and generated pairs whose private keys are in Secret Manager."""

import re

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import InvalidError, NotFoundError
from app.models import Action, Member, SshKey
from app.services import audit
from app.services.context import Context
from app.services.keys import key_pairs, machine_keys, public_keys
from app.services.keys.key_pairs import KeyPair

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,30}")
NAME_RULE = "Use 1 to 31 lower-case letters, digits, dots, hyphens and underscores. Start with a letter or digit."
TAKEN_BY_FILES = {"config", "known_hosts", "ssh_compute_config", "ssh_known_hosts"}
"""Names of other files in ~/.ssh/stationmaster, where a private key's file has the key's name."""
FIRST_PAIR = "stationmaster"
MOST_A_MEMBER = 20

log = structlog.get_logger()


def check_name(name: str) -> str | None:
    """Why this cannot be the name of a key and of its file; None if it can."""
    if not NAME.fullmatch(name):
        return NAME_RULE
    if name in TAKEN_BY_FILES or name.endswith((".", ".pub")):
        return "Another file in ~/.ssh/stationmaster has this name. Choose another name."
    return None


async def list_of(session: AsyncSession, member: Member) -> list[SshKey]:
    """A member's keys, oldest first."""
    rows = await session.scalars(
        select(SshKey).where(SshKey.member_id == member.id).order_by(SshKey.created_at, SshKey.id)
    )
    return list(rows)


async def find(session: AsyncSession, member: Member, key_id: str) -> SshKey:
    """One of this member's keys. Raises NotFoundError for other members' keys, even for admins."""
    key = await session.scalar(select(SshKey).where(SshKey.id == key_id, SshKey.member_id == member.id))
    if key is None:
        raise NotFoundError("SSH key")
    return key


async def add(ctx: Context, name: str, pasted: str) -> SshKey:
    """Add a public key for the member, and queue its deployment to all their workstations.

    Raises InvalidError with a sentence for each invalid field.
    """
    session, member = ctx.session, ctx.member
    existing = await _locked_keys_of(session, member)
    problems = _name_problems(name, existing)
    key = None
    try:
        key = public_keys.parse(pasted)
    except public_keys.PublicKeyError as error:
        problems["public_key"] = str(error)
    same = next((other for other in existing if key and other.fingerprint == key.fingerprint), None)
    if same:
        problems["public_key"] = f"You already have this key, named {same.name}."
    if problems or key is None:
        raise InvalidError("The key was not added.", fields=problems)
    row = SshKey(
        member_id=member.id,
        name=name,
        # The member's own comment is dropped: Google's agent on the machine reads instructions from some comments.
        public_key=key.line(name),
        fingerprint=key.fingerprint,
        created_at=ctx.now,
    )
    session.add(row)
    await session.flush()
    log.info("ssh key added", member=member.id, key=row.id, fingerprint=row.fingerprint)
    await machine_keys.deploy_to_all(ctx, member)
    _record(ctx, Action.ADD_SSH_KEY, row)
    return row


async def generate(ctx: Context, name: str) -> SshKey:
    """Generate an Ed25519 key pair for the member, and queue its deployment to all their workstations.

    Commits the context's transaction. Raises InvalidError with a sentence for each invalid field.
    """
    _refuse_name(name, await list_of(ctx.session, ctx.member))
    pair = await key_pairs.generate(ctx, ctx.member)
    # Again, under the lock: another request may have added a key meanwhile.
    _refuse_name(name, await _locked_keys_of(ctx.session, ctx.member))
    return await _claim(ctx, pair, name)


def _refuse_name(name: str, existing: list[SshKey]) -> None:
    problems = _name_problems(name, existing)
    if problems:
        raise InvalidError("The key pair was not generated.", fields=problems)


async def first_pair(ctx: Context, owner: Member) -> KeyPair | None:
    """A key pair for `claim_first`, if the member has no key yet. Commits the context's transaction in that case."""
    return None if await list_of(ctx.session, owner) else await key_pairs.generate(ctx, owner)


async def claim_first(ctx: Context, owner: Member, pair: KeyPair | None) -> None:
    """Save the pair, so that the owner can log in to their first workstation, unless they have a key by now."""
    if pair and not await _locked_keys_of(ctx.session, owner):
        await _claim(ctx.acting(owner), pair, FIRST_PAIR)


async def _claim(ctx: Context, pair: KeyPair, name: str) -> SshKey:
    key = await key_pairs.claim(ctx, ctx.member, pair, name)
    await machine_keys.deploy_to_all(ctx, ctx.member)
    _record(ctx, Action.GENERATE_SSH_KEY, key)
    return key


async def private(ctx: Context, key: SshKey) -> str:
    """The private key in OpenSSH's format. The caller has checked that the member owns it.

    Commits the context's transaction before it calls Secret Manager.
    """
    if key.secret_name is None:
        raise NotFoundError("private key", hint="Stationmaster has the private keys only of pairs that it generated.")
    await ctx.session.commit()
    text = (await ctx.secrets.get(key.secret_name)).decode()
    key.private_read_at = ctx.now
    _record(ctx, Action.READ_SSH_KEY, key)
    return text


async def delete(ctx: Context, key: SshKey) -> None:
    """Delete a key and its private key, and queue its removal from the owner's workstations.

    Commits the context's transaction before it calls Secret Manager.
    """
    # The secret first: if its deletion fails, the row still names it, and the member can try again.
    if key.secret_name is not None:
        await ctx.session.commit()
        await ctx.secrets.delete(key.secret_name)
    owner = await ctx.session.get_one(Member, key.member_id)
    # Another request has deleted it meanwhile.
    if key not in await _locked_keys_of(ctx.session, owner):
        return
    await ctx.session.delete(key)
    await ctx.session.flush()
    log.info("ssh key deleted", member=key.member_id, key=key.id, fingerprint=key.fingerprint)
    await machine_keys.deploy_to_all(ctx, owner)
    _record(ctx, Action.DELETE_SSH_KEY, key)


def _record(ctx: Context, action: Action, key: SshKey) -> None:
    audit.record(ctx, action, key.id, key.name, after={"fingerprint": key.fingerprint})


def _name_problems(name: str, existing: list[SshKey]) -> dict[str, str]:
    problem = check_name(name)
    if any(key.name == name for key in existing):
        problem = f"You already have a key named {name}. Choose another name, or delete that key."
    if len(existing) >= MOST_A_MEMBER:
        problem = f"You already have {MOST_A_MEMBER} keys. Delete one that you no longer need."
    return {"name": problem} if problem else {}


async def _locked_keys_of(session: AsyncSession, member: Member) -> list[SshKey]:
    """The member's keys, locked against other changes until this transaction ends."""
    await session.execute(select(Member.id).where(Member.id == member.id).with_for_update(key_share=True))
    return await list_of(session, member)
