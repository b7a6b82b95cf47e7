"""What people decide about a run: cancel, approve, discard, ask again."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import ConflictError, InvalidError
from app.models import Action, CancelMode, Member, Run, RunKind, Stack, Workstation
from app.services import audit, lifecycle, runs, stacks, workstations
from app.services.keys import machine_keys
from app.services.shared import shared_stack

_REFUSED = {
    CancelMode.UNDO: "This run is being stopped already, or can only be stopped at once.",
    CancelMode.NOW: "There is nothing to interrupt: ask for a plain cancel first.",
    CancelMode.FORCE: "Terraform is killed only after it was asked to stop at once.",
}


async def cancel(session: AsyncSession, run: Run, member: Member, mode: CancelMode, now: datetime) -> None:
    """Stop a run. What no worker holds ends at once, anything else as soon as its worker has seen to it.

    Raises ConflictError when it has ended, or cannot be stopped in this way (yet).
    """
    await _lock(session, run)
    if run.is_final:
        raise ConflictError("This run has ended.")
    if not run.can_cancel:
        raise ConflictError("This run cannot be stopped any more.")
    if mode not in run.cancel_choices:
        raise ConflictError(_REFUSED[mode])
    run.ask_cancel(mode, member, now)
    await audit.record_run(session, member, Action.CANCEL_RUN, run, now, mode=mode)
    if run.is_final:
        await lifecycle.drop(session, run, now)
    await runs.announce(session, run)


async def approve(session: AsyncSession, run: Run, member: Member, confirm: Sequence[str], now: datetime) -> None:
    """Let it do what it awaits. A worker then applies the very plan that was shown.

    :param confirm: the name of each thing that would be lost for good.
    Raises ConflictError when there is nothing to decide, InvalidError when a name is missing or another one.
    """
    await session.refresh(run, with_for_update={"of": Run})
    if not run.can_approve:
        raise ConflictError("This run does not wait for a decision.")
    written = {name.strip() for name in confirm}
    missing = [name for name in run.confirmations if name not in written]
    if missing:
        sentence = f"Write the name of what would be lost: {', '.join(missing)}"
        raise InvalidError("What would be lost was not named.", fields={"confirm": sentence})
    await lifecycle.approve(session, run, member, now)
    await audit.record_run(session, member, Action.APPROVE_RUN, run, now)


async def discard(session: AsyncSession, run: Run, member: Member, now: datetime) -> None:
    """Do not do what it awaits: nothing is changed. Raises ConflictError when there is nothing to decide."""
    await _lock(session, run)
    if not run.can_discard:
        raise ConflictError("This run does not wait for a decision.")
    run.discard(member, now)
    await audit.record_run(session, member, Action.DISCARD_RUN, run, now)
    await lifecycle.drop(session, run, now)
    await runs.announce(session, run)


async def _lock(session: AsyncSession, run: Run) -> None:
    """The run as it is until our transaction ends; the stack first, as whoever asks for something does."""
    await runs.lock(session, run.stack_id)
    await session.refresh(run, with_for_update={"of": Run})


async def retry(session: AsyncSession, run: Run, member: Member, now: datetime) -> Run:
    """Ask for the same again, as a new run. Raises ConflictError while it goes on, or when it succeeded."""
    if not run.can_retry:
        raise ConflictError("Only a run that ended without success can be retried.")
    if run.kind in {RunKind.CONFIGURE, RunKind.CHECK}:
        return await shared_stack.ask_again(session, run, member, now)
    subject = await stacks.subject(session, run.stack_id)
    if subject.rejects(run.kind):
        raise ConflictError(f"{subject.name} is destroyed.", hint="Ask for a new workstation.")
    if isinstance(subject, Workstation) and run.kind is RunKind.REKEY:
        return await _rekey_again(session, run, subject, member, now)
    if isinstance(subject, Workstation) and run.kind is RunKind.RESTART:
        return await workstations.request_restart(session, subject, member, now, again=run)
    destroy = await runs.under_way(session, run.stack_id, RunKind.DESTROY)
    if destroy and destroy.is_executing and run.kind is not RunKind.DESTROY:
        raise ConflictError("This workstation is being destroyed.", hint="Ask for a new workstation.")
    stack = await session.get_one(Stack, run.stack_id)
    again = await runs.request(session, stack, run.kind, member, run.inputs, now, run.changes)
    await audit.record_run(session, member, Action.RETRY_RUN, run, now, again=again.id)
    return again


async def _rekey_again(session: AsyncSession, run: Run, subject: Workstation, member: Member, now: datetime) -> Run:
    """Keys as they are now, and not as they were: without anything that is asked for being superseded."""
    again = await machine_keys.bring(session, subject, member, now)
    if again is None:
        raise ConflictError(f"{subject.name} has its owner's SSH keys already, or is going.")
    await audit.record_run(session, member, Action.RETRY_RUN, run, now, again=again.id)
    return again
