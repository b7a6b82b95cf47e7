"""Sign-ins that are refused: written down, and what a member of that account still had is ended."""

from app.infra.oidc import Identity
from app.models import Action
from app.services import audit
from app.services.context import Context
from app.services.people import api_tokens, members, sign_ins


async def refuse(ctx: Context, identity: Identity, why: str) -> None:
    """Refuse this account. A member that it is loses all sign-ins and tokens at once, until an answer is accepted.

    Google has just said that the account is none that the rules let in, whatever the member's row says of it.
    """
    member = await members.of_account(ctx.session, identity)
    after: dict[str, str | int] = {"why": why}
    if member:
        member.refused_at = ctx.now
        after["sign_ins"] = await sign_ins.revoke_all(ctx, member)
        after["tokens"] = await api_tokens.revoke_all(ctx, member)
    audit.record(ctx, Action.REFUSE_SIGN_IN, identity.sub, identity.email, after=after)
