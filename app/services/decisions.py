"""What people decide about a run: cancel, approve, discard, ask again."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import ConflictError, InvalidError
from app.models import Action, CancelMode, Run, RunKind, Stack, Workstation
from app.services import audit, lifecycle, runs, stacks, workstations
from app.services.context import Context
from app.services.keys import machine_keys
from app.services.shared import shared_stack

_REFUSED = {
    CancelMode.UNDO: "This run is being stopped already, or can only be stopped at once.",
    CancelMode.NOW: "There is nothing to interrupt: ask for a plain cancel first.",
    CancelMode.FORCE: "Terraform is killed only after it was asked to stop at once.",
}


async def cancel(ctx: Context, run: Run, mode: CancelMode) -> None:
    """Stop a run. What no worker holds ends at once, anything else as soon as its worker has seen to it.

    Raises ConflictError when it has ended, or cannot be stopped in this way (yet).
    """
    await _lock(ctx.session, run)
    if run.is_final:
        raise ConflictError("This run has ended.")
    if not run.can_cancel:
        raise ConflictError("This run cannot be stopped any more.")
    if mode not in run.cancel_choices:
        raise ConflictError(_REFUSED[mode])
    run.ask_cancel(mode, ctx.member, ctx.now)
    await audit.record_run(ctx, Action.CANCEL_RUN, run, mode=mode)
    if run.is_final:
        await lifecycle.drop(ctx, run)
    await runs.announce(ctx.session, run)


async def approve(ctx: Context, run: Run, confirm: Sequence[str]) -> None:
    """Let it do what it awaits. A worker then applies the very plan that was shown.

    :param confirm: the name of each thing that would be lost for good.
    Raises ConflictError when there is nothing to decide, InvalidError when a name is missing or another one.
    """
    await ctx.session.refresh(run, with_for_update={"of": Run})
    if not run.can_approve:
        raise ConflictError("This run does not wait for a decision.")
    written = {name.strip() for name in confirm}
    missing = [name for name in run.confirmations if name not in written]
    if missing:
        sentence = f"Write the name of what would be lost: {', '.join(missing)}"
        raise InvalidError("What would be lost was not named.", fields={"confirm": sentence})
    await lifecycle.approve(ctx, run)
    await audit.record_run(ctx, Action.APPROVE_RUN, run)


async def discard(ctx: Context, run: Run) -> None:
    """Do not do what it awaits: nothing is changed. Raises ConflictError when there is nothing to decide."""
    await _lock(ctx.session, run)
    if not run.can_discard:
        raise ConflictError("This run does not wait for a decision.")
    run.discard(ctx.member, ctx.now)
    await audit.record_run(ctx, Action.DISCARD_RUN, run)
    await lifecycle.drop(ctx, run)
    await runs.announce(ctx.session, run)


async def _lock(session: AsyncSession, run: Run) -> None:
    """The run as it is until our transaction ends; the stack first, as whoever asks for something does."""
    await runs.lock(session, run.stack_id)
    await session.refresh(run, with_for_update={"of": Run})


async def retry(ctx: Context, run: Run) -> Run:
    """Ask for the same again, as a new run. Raises ConflictError while it goes on, or when it succeeded."""
    if not run.can_retry:
        raise ConflictError("Only a run that ended without success can be retried.")
    if run.kind in {RunKind.CONFIGURE, RunKind.CHECK}:
        return await shared_stack.ask_again(ctx, run)
    subject = await stacks.subject(ctx.session, run.stack_id)
    if subject.rejects(run.kind):
        raise ConflictError(f"{subject.name} is destroyed.", hint="Ask for a new workstation.")
    if isinstance(subject, Workstation) and run.kind is RunKind.REKEY:
        return await _rekey_again(ctx, run, subject)
    if isinstance(subject, Workstation) and run.kind is RunKind.RESTART:
        return await workstations.request_restart(ctx, subject, again=run)
    destroy = await runs.under_way(ctx.session, run.stack_id, RunKind.DESTROY)
    if destroy and destroy.is_executing and run.kind is not RunKind.DESTROY:
        raise ConflictError("This workstation is being destroyed.", hint="Ask for a new workstation.")
    stack = await ctx.session.get_one(Stack, run.stack_id)
    again = await runs.request(ctx, stack, run.kind, run.inputs, run.changes)
    await audit.record_run(ctx, Action.RETRY_RUN, run, again=again.id)
    return again


async def _rekey_again(ctx: Context, run: Run, subject: Workstation) -> Run:
    """Keys as they are now, and not as they were: without anything that is asked for being superseded."""
    again = await machine_keys.bring(ctx, subject)
    if again is None:
        raise ConflictError(f"{subject.name} has its owner's SSH keys already, or is going.")
    await audit.record_run(ctx, Action.RETRY_RUN, run, again=again.id)
    return again
