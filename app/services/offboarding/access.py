"""Disabling a member, which shuts them out at once, and enabling them again."""

from sqlalchemy import select

from app.errors import ConflictError
from app.live import access_topic, signal
from app.models import Action, Member, Run, Workstation
from app.services import audit, lifecycle, runs
from app.services.context import Context
from app.services.keys import machine_keys
from app.services.people import members, roles, sign_ins
from app.services.runs import log

NOT_ONESELF = "You can't disable your own account. Ask another admin."


async def stays_because(ctx: Context, member: Member) -> str:
    """Why this member cannot be disabled, as a sentence; empty if they can."""
    if member is ctx.actor:
        return NOT_ONESELF
    if await members.admins(ctx) == [member]:
        return f"{member.email} is the only admin who can sign in. Make someone else an admin first."
    return ""


async def disable(ctx: Context, member: Member) -> None:
    """Shut a member out: browsers, tokens and streams at once, SSH keys by a run on each of their machines.

    What they wait for on their machines ends: plans to decide, and queued runs that would make or start one. A second
    time changes nothing. Raises ConflictError, with the reason, for oneself and the last admin; RefusedError if whoever
    asks is no longer an admin.
    """
    await roles.lock(ctx, member)
    if member.is_disabled:
        return
    if reason := await stays_because(ctx, member):
        raise ConflictError(reason)
    member.disabled_at = ctx.now
    after = {"disabled_at": _iso(member), "sign_ins": await sign_ins.revoke_all(ctx, member)}
    audit.record(ctx, Action.DISABLE_MEMBER, member.id, member.email, {"disabled_at": None}, after)
    await signal(ctx.session, access_topic(member.id))
    await ctx.session.flush()
    await _end_what_waits(ctx, member)
    await machine_keys.deploy_to_all(ctx, member)


async def enable(ctx: Context, member: Member) -> None:
    """Let a member in again, if the rules do: their tokens are valid again, and runs bring their SSH keys back.

    Enabling twice changes nothing. Raises RefusedError if whoever asks is no longer an admin.
    """
    await roles.lock(ctx, member)
    if not member.is_disabled:
        return
    before, member.disabled_at = {"disabled_at": _iso(member)}, None
    audit.record(ctx, Action.ENABLE_MEMBER, member.id, member.email, before, {"disabled_at": None})
    await ctx.session.flush()
    await machine_keys.deploy_to_all(ctx, member)


def _iso(member: Member) -> str | None:
    return member.disabled_at.isoformat(timespec="seconds") if member.disabled_at else None


async def _end_what_waits(ctx: Context, member: Member) -> None:
    theirs = select(Workstation).where(Workstation.owner_id == member.id).order_by(Workstation.id)
    for workstation in await ctx.session.scalars(theirs):
        for run in await runs.lock(ctx.session, workstation.id):
            waits = run.is_queued or run.can_approve or (run.is_waiting and not run.has_changed_anything)
            # A plan of theirs that waits would keep the keys where they are, whatever it is for.
            is_theirs = run.can_approve and run.requested_by == member.id
            if waits and (is_theirs or await lifecycle.stops_because(ctx, run, workstation)):
                await _cancel(ctx, run, f"Canceled: {member.email} was disabled.")


async def _cancel(ctx: Context, run: Run, why: str) -> None:
    run.end_canceled(ctx.now)
    await log.write(ctx.session, run, [log.LogEntry(why, ctx.now)])
    await lifecycle.drop(ctx, run)
