"""Roles: who is an admin. There is always one who can sign in."""

from app.errors import ConflictError, RefusedError
from app.live import access_topic, signal
from app.models import Action, Member, Role
from app.services import audit
from app.services.context import Context
from app.services.people import members

NOT_ONESELF = "You can't remove your own admin role. Ask another admin."
NOT_THE_LAST = (
    "You are the only admin who can sign in. Make someone else an admin first; they can then change your role."
)


async def change_role(ctx: Context, member: Member, role: Role) -> None:
    """Change a member's role, from their next request on. Setting the same role changes nothing.

    Raises ConflictError, with the reason, for oneself, the only admin, and somebody who may not sign in; RefusedError
    if the context's member is no longer an admin.
    """
    await lock(ctx, member)
    if member.role is role:
        return
    if reason := await stays_because(ctx, member):
        raise ConflictError(reason)
    await _set(ctx, member, role)


async def lock(ctx: Context, member: Member) -> None:
    """From here on nobody else changes who is an admin, until our transaction ends.

    Two admins who remove each other at the same time would otherwise both succeed, and leave no admin. Raises
    RefusedError if whoever asks is no longer one.
    """
    await members.one_at_a_time(ctx.session)
    await ctx.session.refresh(member)
    if ctx.actor:
        await ctx.session.refresh(ctx.actor)
        if not ctx.actor.is_admin or ctx.actor.is_disabled:
            raise RefusedError("Only admins can do this.", hint="Another admin has just changed your role.")


async def set_role(ctx: Context, email: str, role: Role) -> Member:
    """The operator makes somebody admin, or member again; who has never signed in is a member by that.

    Raises RefusedError when no rule names an admin's address, NotFoundError for a member who is not there, and
    ConflictError for the last admin, and for an admin whose account was refused.
    """
    await members.one_at_a_time(ctx.session)
    member = await (members.by_address(ctx, email) if role is Role.ADMIN else members.named(ctx.session, email))
    if role is Role.ADMIN and not member.may_sign_in(ctx.settings):
        raise ConflictError(f"{member.email} cannot sign in.", hint="Enable the account, or let them sign in first.")
    if role is Role.MEMBER and await members.admins(ctx) == [member]:
        raise ConflictError(f"{member.email} is the only admin who can sign in.", hint="Make someone else one first.")
    await _set(ctx, member, role)
    return member


async def stays_because(ctx: Context, member: Member) -> str:
    """Why this member's role cannot be changed, as a sentence; empty if it can."""
    if member is ctx.actor:
        return NOT_ONESELF if len(await members.admins(ctx)) > 1 else NOT_THE_LAST
    if not member.is_admin and not member.may_sign_in(ctx.settings):
        return f"{member.email} is not allowed to sign in."
    return ""


async def _set(ctx: Context, member: Member, role: Role) -> None:
    before, member.role = member.role, role
    if before is not role:
        await signal(ctx.session, access_topic(member.id))
        audit.record(ctx, Action.CHANGE_MEMBER, member.id, member.email, {"role": before}, {"role": role})
