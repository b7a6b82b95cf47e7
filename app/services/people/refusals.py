"""Refused sign-ins: they are recorded, and the member's sessions and tokens are revoked."""

from app.infra.oidc import Identity
from app.models import Action
from app.services import audit
from app.services.context import Context
from app.services.people import api_tokens, members, sign_ins


async def refuse(ctx: Context, identity: Identity, why: str) -> None:
    """Refuse this account. If it is a member's, all their sign-ins and tokens end, until a later sign-in succeeds."""
    # Google has just said that no rule allows the account, which is newer than the member's row.
    member = await members.of_account(ctx.session, identity)
    after: dict[str, str | int] = {"why": why}
    # Of a disabled one the account is not at fault: once enabled, it is what it was.
    if member and not member.is_disabled:
        member.refused_at = ctx.now
        after["sign_ins"] = await sign_ins.revoke_all(ctx, member)
        after["tokens"] = await api_tokens.revoke_all(ctx, member)
    audit.record(ctx, Action.REFUSE_SIGN_IN, identity.sub, identity.email, after=after)
