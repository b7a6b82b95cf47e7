"""Fresh sign-ins: what members have to prove who they are with before a private key, a password or a token is shown."""

from enum import StrEnum

from app.errors import ConflictError
from app.infra.relying_party import RelyingParty
from app.models import Action, Member, SignIn, Team
from app.services import audit
from app.services.context import Context
from app.services.people import security_keys, team


class Proof(StrEnum):
    """What makes a member's sign-in fresh."""

    GOOGLE = "google"
    """Another sign-in with Google."""
    SECURITY_KEY = "security_key"
    """One of their security keys."""
    FIRST_SECURITY_KEY = "first_security_key"
    """A security key, which the team requires and they have not added yet. Adding it takes a sign-in with Google."""


async def proof_of(ctx: Context, member: Member) -> Proof:
    """What this member's sign-ins need."""
    if await security_keys.usable(ctx, member):
        return Proof.SECURITY_KEY
    # Where browsers offer no keys, nobody is locked out for having none.
    if RelyingParty.of(ctx.settings) and await is_required(ctx):
        return Proof.FIRST_SECURITY_KEY
    return Proof.GOOGLE


async def is_fresh(ctx: Context, sign_in: SignIn) -> bool:
    """Whether the context's member has proved in the last ten minutes who they are."""
    proof = await proof_of(ctx, ctx.member)
    return proof is not Proof.FIRST_SECURITY_KEY and _has_proof(ctx, sign_in, proof)


async def may_add_key(ctx: Context, sign_in: SignIn) -> bool:
    """Whether the sign-in is fresh enough to add a security key, which may be the first one."""
    return _has_proof(ctx, sign_in, await proof_of(ctx, ctx.member))


def _has_proof(ctx: Context, sign_in: SignIn, proof: Proof) -> bool:
    if proof is Proof.SECURITY_KEY:
        return sign_in.is_confirmed_by_key(ctx.now)
    return sign_in.is_confirmed(ctx.now)


async def is_required(ctx: Context) -> bool:
    """Whether admins require security keys of everybody."""
    row = await ctx.session.get(Team, Team.ID)
    return bool(row and row.requires_security_keys)


async def require(ctx: Context, *, required: bool) -> None:
    """Require security keys of everybody, or stop requiring them. A second time changes nothing.

    Raises ConflictError for an admin who has none: they would be the first to find out that it does not work.
    """
    if required and ctx.actor and not await security_keys.usable(ctx, ctx.actor):
        raise ConflictError("Add a security key to your own account first.")
    row = await team.lock(ctx.session)
    if row.requires_security_keys is not required:
        row.requires_security_keys = required
        action = Action.REQUIRE_SECURITY_KEYS if required else Action.STOP_REQUIRING_SECURITY_KEYS
        audit.record(ctx, action, row.id, "team")
