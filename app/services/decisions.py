"""Decisions about a run: cancel, approve, discard, retry."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import ConflictError, InvalidError
from app.models import Action, CancelMode, Member, Run, RunKind, SharedStack, Stack, Workstation
from app.models.run_kinds import ORDERS
from app.services import audit, lifecycle, runs, workstations
from app.services.context import Context
from app.services.keys import machine_keys
from app.services.people import limits
from app.services.runs import stacks
from app.services.shared import shared_stack
from app.services.workstations import orders, snapshots

_REFUSED = {
    CancelMode.UNDO: "This run is already being stopped, or can only be stopped now.",
    CancelMode.NOW: "There is no process to interrupt. Cancel the run first.",
    CancelMode.FORCE: "Terraform can only be killed after it was asked to stop now.",
}


async def cancel(ctx: Context, run: Run, mode: CancelMode) -> None:
    """Stop a run: immediately if no worker has claimed it, otherwise as soon as its worker has stopped.

    Raises ConflictError if it has ended, or cannot be stopped in this way (yet).
    """
    await _lock(ctx.session, run)
    if run.is_final:
        raise ConflictError("This run has ended.")
    if not run.can_cancel:
        raise ConflictError("This run can no longer be stopped.")
    if mode not in run.cancel_choices:
        raise ConflictError(_REFUSED[mode])
    run.request_cancel(mode, ctx.member, ctx.now)
    await audit.record_run(ctx, Action.CANCEL_RUN, run, mode=mode)
    if run.is_final:
        await lifecycle.drop(ctx, run)
    await runs.announce(ctx.session, run)


async def approve(ctx: Context, run: Run, confirm: Sequence[str]) -> None:
    """Approve a run's plan. A worker then applies exactly this plan.

    :param confirm: the name of each resource whose data the plan deletes.
    Raises ConflictError if the run awaits no approval, InvalidError if a name is missing.
    """
    await ctx.session.refresh(run, with_for_update={"of": Run})
    if not run.can_approve:
        raise ConflictError("This run does not require approval.")
    # Spaces that were copied along with a name do not matter.
    written = {name.strip() for name in confirm}
    missing = [name for name in run.confirmations if name not in written]
    if missing:
        sentence = f"Type the name to confirm: {', '.join(missing)}"
        raise InvalidError("Confirmation required.", fields={"confirm": sentence})
    await lifecycle.approve(ctx, run)
    await audit.record_run(ctx, Action.APPROVE_RUN, run)


async def discard(ctx: Context, run: Run) -> None:
    """Discard a run's plan: nothing is changed. Raises ConflictError if the run awaits no approval."""
    await _lock(ctx.session, run)
    if not run.can_approve:
        raise ConflictError("This run does not require approval.")
    run.discard(ctx.member, ctx.now)
    await audit.record_run(ctx, Action.DISCARD_RUN, run)
    await lifecycle.drop(ctx, run)
    await runs.announce(ctx.session, run)


async def _lock(session: AsyncSession, run: Run) -> None:
    # The stack is locked before the run, as every request for a run does, so that two never wait for each other.
    await runs.lock(session, run.stack_id)
    await session.refresh(run, with_for_update={"of": Run})


async def retry(ctx: Context, run: Run) -> Run:
    """Queue the same change as a new run. Raises ConflictError unless the run failed or was canceled."""
    if not run.can_retry:
        raise ConflictError("Only a failed or canceled run can be retried.")
    subject = await stacks.subject(ctx.session, run.stack_id)
    if isinstance(subject, SharedStack) and run.kind in {RunKind.CONFIGURE, RunKind.CHECK}:
        return await shared_stack.request_again(ctx, run)
    if subject.rejects(run.kind):
        raise ConflictError(f"{subject.name} has been deleted.", hint="Create a new workstation.")
    if isinstance(subject, Workstation) and run.kind is RunKind.REKEY:
        return await _rekey_again(ctx, run, subject)
    if isinstance(subject, Workstation) and run.kind is RunKind.CHECK:
        return await workstations.request_check(ctx, subject)
    if isinstance(subject, Workstation) and run.kind in ORDERS:
        return await orders.request(ctx, subject, run.kind, again=run)
    if isinstance(subject, Workstation) and run.kind is RunKind.SNAPSHOT:
        return await snapshots.request(ctx, subject)
    destroy = await runs.under_way(ctx.session, run.stack_id, RunKind.DESTROY)
    # The new run would be canceled at its claim, when everything is deleted.
    if destroy and destroy.is_executing and run.kind is not RunKind.DESTROY:
        raise ConflictError("This workstation is being deleted.", hint="Create a new workstation.")
    if isinstance(subject, Workstation):
        await _check_limit(ctx, run, subject)
    stack = await ctx.session.get_one(Stack, run.stack_id)
    again = await runs.request(ctx, stack, run.kind, run.inputs, run.changes)
    again.allow(run.placements)
    again.rest_days = run.rest_days
    again.wait_hours = subject.wait_hours if isinstance(subject, Workstation) else 0
    await audit.record_run(ctx, Action.RETRY_RUN, run, again=again.id)
    return again


async def _check_limit(ctx: Context, run: Run, subject: Workstation) -> None:
    owner = await ctx.session.get_one(Member, subject.owner_id)
    # Since the run failed, the owner may have created other workstations up to the limit.
    await limits.lock(ctx.session, owner)
    await limits.check(ctx, owner, run.changes.get("machine_type", subject.machine_type), subject)


async def _rekey_again(ctx: Context, run: Run, subject: Workstation) -> Run:
    # The owner's keys of today count, not those of the failed run; and no other requested run may be superseded.
    again = await machine_keys.deploy(ctx, subject)
    if again is None:
        raise ConflictError(f"{subject.name} already has its owner's SSH keys, or is being deleted.")
    await audit.record_run(ctx, Action.RETRY_RUN, run, again=again.id)
    return again
