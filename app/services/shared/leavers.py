"""Removes the access that people who may no longer sign in still have at Google, by a run of the shared stack."""

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.models import Action, AllowedIp, Member, Run, RunKind, RunStatus, SharedStack
from app.services import audit, runs
from app.services.context import Context
from app.services.runs import stacks
from app.services.shared import shared_stack


async def request_if_due(ctx: Context) -> Run | None:
    """Request the removal, if there is something to remove and no run is pending."""
    session = ctx.session
    stack = await stacks.shared(session)
    if stack is None or not stack.exists or not await _left_over(ctx, stack):
        return None
    await shared_stack.lock(session, stack)
    left_over = await _left_over(ctx, stack)
    # Only once: if its plan is discarded or fails, an admin decides when to try again.
    if not left_over or await runs.pending(session, stack.id) or await _was_requested(ctx, stack):
        return None
    spec = await shared_stack.desired(ctx, stack)
    run = await shared_stack.request(ctx, stack, spec, f"Remove access of {', '.join(left_over)}")
    audit.record(ctx, Action.CONFIGURE_SHARED_STACK, stack.id, stack.name, after={"without": left_over, "run": run.id})
    return run


async def is_known(ctx: Context, member: Member) -> bool:
    """Whether Google has grants for this member, by the shared stack as it was last applied."""
    stack = await stacks.shared(ctx.session)
    if stack is None or not stack.exists:
        return False
    return member.account_name in (await runs.applied(ctx.session, stack.id)).reached_inputs.get("members", {})


async def _left_over(ctx: Context, stack: SharedStack) -> list[str]:
    """Email addresses of people who may not sign in, but are still known to Google as members or by an allowed IP."""
    applied = (await runs.applied(ctx.session, stack.id)).reached_inputs.get("members", {})
    known = {principal.partition(":")[2] for principal in applied.values()}
    query = select(AllowedIp).where(AllowedIp.id.in_(stack.allowed_ips)).options(joinedload(AllowedIp.owner))
    owners = {ip.owner for ip in await ctx.session.scalars(query) if ip.is_active(ctx.now)}
    gone = {owner.email for owner in owners if not owner.may_sign_in(ctx.settings)}
    return sorted(gone | known - set((await shared_stack.people(ctx)).values()))


async def _was_requested(ctx: Context, stack: SharedStack) -> bool:
    # A superseded run's changes are part of the run after it.
    is_newest = Run.status != RunStatus.SUPERSEDED
    query = select(Run).where(Run.stack_id == stack.id, Run.kind == RunKind.CONFIGURE, is_newest)
    last = await ctx.session.scalar(query.order_by(Run.created_at.desc(), Run.id).limit(1))
    if last is None or last.is_success:
        return False
    members = {f"user:{email}" for email in (await shared_stack.people(ctx)).values()}
    requested_members = set(last.inputs.get("members", {}).values())
    allowed_ips = [ip.id for ip in await shared_stack.desired_ips(ctx)]
    return requested_members <= members and last.changes.get("allowed_ips") == allowed_ips
