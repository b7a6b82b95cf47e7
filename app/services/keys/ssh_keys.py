"""SSH keys of members: pasted public keys, and pairs whose private half is kept in Secret Manager."""

import re

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.config import Settings
from app.errors import InvalidError, NotFoundError
from app.models import Action, Member, SshKey
from app.models.base import short_id
from app.services import audit
from app.services.context import Context
from app.services.keys import machine_keys, public_keys

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,30}")
NAME_RULE = "Use 1 to 31 lower-case letters, digits, dots, hyphens and underscores; begin with a letter or digit."
TAKEN_BY_FILES = {"config", "known_hosts", "ssh_compute_config", "ssh_known_hosts"}
"""Names of other files in ~/.ssh/stationmaster, where a key's private half goes under the key's name."""
FIRST_PAIR = "stationmaster"
MOST_A_MEMBER = 20

log = structlog.get_logger()


def check_name(name: str) -> str | None:
    """Why this cannot be a key's name, which is also its file's; None when it can."""
    if not NAME.fullmatch(name):
        return NAME_RULE
    if name in TAKEN_BY_FILES or name.endswith((".", ".pub")):
        return "This is the name of another file in ~/.ssh/stationmaster: choose another."
    return None


async def list_of(session: AsyncSession, member: Member) -> list[SshKey]:
    """A member's keys, the oldest first."""
    rows = await session.scalars(
        select(SshKey).where(SshKey.member_id == member.id).order_by(SshKey.created_at, SshKey.id)
    )
    return list(rows)


async def find(session: AsyncSession, member: Member, key_id: str) -> SshKey:
    """One of this member's keys; raises NotFoundError for anybody else, admins included."""
    key = await session.scalar(select(SshKey).where(SshKey.id == key_id, SshKey.member_id == member.id))
    if key is None:
        raise NotFoundError("SSH key")
    return key


async def add(ctx: Context, name: str, pasted: str) -> SshKey:
    """Keep a pasted public key, written anew, and bring it to the machines of who asks.

    Raises InvalidError with a sentence at each field that does not fit.
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
        problems["public_key"] = f"You have this key already, under the name {same.name}."
    if problems or key is None:
        raise InvalidError("The key was not added.", fields=problems)
    row = SshKey(
        member_id=member.id,
        name=name,
        # The comment is ours: Google's agent on the machine reads instructions from some.
        public_key=key.line(name),
        fingerprint=key.fingerprint,
        created_at=ctx.now,
    )
    session.add(row)
    await session.flush()
    log.info("ssh key added", member=member.id, key=row.id, fingerprint=row.fingerprint)
    await machine_keys.bring_to_all(ctx, member)
    _record(ctx, Action.ADD_SSH_KEY, row)
    return row


async def generate(ctx: Context, name: str) -> SshKey:
    """Make an Ed25519 pair and bring it to the machines of who asks.

    The row comes only after the private half is safe in Secret Manager.
    """
    problems = _name_problems(name, await _locked_keys_of(ctx.session, ctx.member))
    if problems:
        raise InvalidError("The pair was not made.", fields=problems)
    return await _generate(ctx, name)


async def ensure_key(ctx: Context, owner: Member) -> list[SshKey]:
    """The owner's keys; who has none gets a pair, so that their first machine can be logged in to.

    Call it when nothing else can be refused any more: a rollback takes the row back, but not the secret.
    """
    existing = await list_of(ctx.session, owner) or await _locked_keys_of(ctx.session, owner)
    return existing or [await _generate(ctx.acting(owner), FIRST_PAIR)]


async def private(ctx: Context, key: SshKey) -> str:
    """The private half in OpenSSH's format, for who asks. Whoever calls this answers for its being the owner."""
    if key.secret_name is None:
        raise NotFoundError("private half (a pasted key's stays with who made it)")
    text = (await ctx.secrets.get(key.secret_name)).decode()
    _record(ctx, Action.READ_SSH_KEY, key)
    return text


async def delete(ctx: Context, key: SshKey) -> None:
    """Remove a key, also from its owner's machines; its private half first: a secret that no row names would stay."""
    if key.secret_name is not None:
        await ctx.secrets.delete(key.secret_name)
    await ctx.session.delete(key)
    await ctx.session.flush()
    log.info("ssh key deleted", member=key.member_id, key=key.id, fingerprint=key.fingerprint)
    await machine_keys.bring_to_all(ctx, await ctx.session.get_one(Member, key.member_id))
    _record(ctx, Action.DELETE_SSH_KEY, key)


def _record(ctx: Context, action: Action, key: SshKey) -> None:
    audit.record(ctx, action, key.id, key.name, after={"fingerprint": key.fingerprint})


def secret_name(settings: Settings, member: Member, key_id: str) -> str:
    """COMPUTE-<PREFIX>-<USER>-<KEY ID>-PRIVATE-KEY, in the letters that Secret Manager takes."""
    words = f"{settings.secret_prefix}-{member.account_name}-{key_id}".upper()
    middle = re.sub(r"[^A-Z0-9_-]", "-", words)
    return f"COMPUTE-{middle}-PRIVATE-KEY"


async def _generate(ctx: Context, name: str) -> SshKey:
    # Late: the web process is lean until somebody adds a key.
    import asyncssh

    pair = asyncssh.generate_private_key("ssh-ed25519", comment=name)
    key_id, member = short_id(10), ctx.member
    row = SshKey(
        id=key_id,
        member_id=member.id,
        name=name,
        public_key=pair.export_public_key("openssh").decode().strip(),
        fingerprint=pair.get_fingerprint(),
        secret_name=secret_name(ctx.settings, member, key_id),
        created_at=ctx.now,
    )
    await ctx.secrets.put(secret_name(ctx.settings, member, key_id), pair.export_private_key("openssh"))
    ctx.session.add(row)
    await ctx.session.flush()
    log.info("ssh key pair made", member=member.id, key=row.id, fingerprint=row.fingerprint)
    await machine_keys.bring_to_all(ctx, member)
    _record(ctx, Action.GENERATE_SSH_KEY, row)
    return row


def _name_problems(name: str, existing: list[SshKey]) -> dict[str, str]:
    problem = check_name(name)
    if any(key.name == name for key in existing):
        problem = f"You have a key named {name} already: choose another name, or delete that key."
    if len(existing) >= MOST_A_MEMBER:
        problem = f"You have {MOST_A_MEMBER} keys: delete one that you no longer need."
    return {"name": problem} if problem else {}


async def _locked_keys_of(session: AsyncSession, member: Member) -> list[SshKey]:
    """The member's keys, with other changes to them waiting until this transaction ends."""
    await session.execute(select(Member.id).where(Member.id == member.id).with_for_update(key_share=True))
    return await list_of(session, member)
