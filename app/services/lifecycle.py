"""A run from its claim to its end: how it is claimed, finishes, fails, is cancelled or handed over.

Each is one function here, whoever it is that ends the run: a worker, somebody who cancels it, or a checkout. The caller
holds the run's row lock, and commits.
"""

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import live
from app.models import Run, Workstation
from app.models.run_states import EXECUTING
from app.services import runs
from app.services.context import Context
from app.services.keys import machine_keys
from app.services.runs import log, stacks
from app.services.shared import databases
from app.services.terraform import plans, state_versions

MAX_INTERRUPTIONS = 10
"""A run whose workers die this often is ended: it may be the run that kills them."""


async def claim(ctx: Context, run: Run, worker_id: str, host: str) -> bool:
    """A worker takes the run, if it is there to be taken; otherwise it may end here. Returns whether it has it."""
    session, now = ctx.session, ctx.now
    if not run.can_be_claimed or run.is_left_to_another_host(host, now) or await _stack_is_busy(session, run):
        return False
    subject = await stacks.subject(session, run.stack_id, lock=True)
    if run.is_queued and subject.rejects(run.kind):
        # Asked for while the run that destroyed it went on.
        await log.write(session, run, [log.LogEntry(f"Canceled: the {subject.noun} has been deleted.", now)])
        run.end_canceled(now)
        await runs.announce(session, run)
        return False
    if run.interruptions >= MAX_INTERRUPTIONS:
        reason = f"\n{run.error}" if run.error else ""
        await fail(ctx, run, f"Given up after {run.interruptions} interrupted attempts.{reason}")
        return False
    if run.is_queued:
        await machine_keys.bind(session, run)
    await databases.bind(ctx, run)
    run.claim(worker_id, host, now)
    subject.begin(run)
    await runs.announce(session, run)
    return True


async def _stack_is_busy(session: AsyncSession, run: Run) -> bool:
    other = exists().where(Run.stack_id == run.stack_id, Run.id != run.id, Run.status.in_(EXECUTING))
    return bool(run.is_queued and await session.scalar(select(other)))


async def finish(ctx: Context, run: Run, *, differs: bool = False) -> None:
    """It reached what was asked for; the caller has written down what its subject is now.

    :param differs: a check found that Google has something else than what was applied.
    """
    if differs:
        run.find_differences(ctx.now)
    elif run.has_changed_anything:
        run.succeed(ctx.now)
    else:
        run.find_no_changes(ctx.now)
    await _ended(ctx.session, run)


async def fail(ctx: Context, run: Run, error: str) -> None:
    """It ends without success.

    :param error: the raw text of why, without secrets.
    """
    run.fail(error, ctx.now)
    subject = await stacks.subject(ctx.session, run.stack_id, lock=True)
    if run.kind.traits.uses_terraform or run.ordered_at:
        subject.become_failed()
    else:
        # Google took no order: the machine is what it was.
        subject.restore_status(ctx.now)
    await _keep_disk_size(ctx, run)
    await _ended(ctx.session, run)


async def cancel(ctx: Context, run: Run, *, is_undone: bool) -> None:
    """Nothing of it goes on any more.

    :param is_undone: everything is as it was before the run; otherwise what it left counts as failed.
    """
    subject = await stacks.subject(ctx.session, run.stack_id, lock=True)
    if is_undone or not run.has_changed_anything:
        subject.restore_status(ctx.now)
    else:
        subject.become_failed()
    if not run.is_final:
        run.end_canceled(ctx.now)
    await _keep_disk_size(ctx, run)
    await _ended(ctx.session, run)


async def drop(ctx: Context, run: Run) -> None:
    """It was cancelled or discarded while no worker had it, so nothing was changed; the caller says which."""
    (await stacks.subject(ctx.session, run.stack_id)).restore_status(ctx.now)
    await _ended(ctx.session, run)
    await deploy_missed_keys(ctx, run)


async def hand_over(ctx: Context, run: Run) -> None:
    """Its worker leaves in good order; the next one goes on at once."""
    run.hand_over(ctx.now)
    await _offer(ctx.session, run)


async def interrupt(ctx: Context, run: Run) -> None:
    """Its worker was lost, or met something that nobody thought of: another attempt is made, here if possible."""
    run.interrupt(ctx.now)
    await _offer(ctx.session, run)


async def await_approval(ctx: Context, run: Run, awaits: list[dict[str, str]]) -> None:
    """Its plan is stored, and does things that somebody has to decide; until then its subject is what it was."""
    run.await_approval(awaits, ctx.now)
    (await stacks.subject(ctx.session, run.stack_id, lock=True)).restore_status(ctx.now)


async def approve(ctx: Context, run: Run) -> None:
    """What it awaits may be done: a worker applies the very plan that was shown."""
    run.approve(ctx.member, ctx.now)
    await _offer(ctx.session, run)


async def deploy_missed_keys(ctx: Context, run: Run) -> None:
    """The owner's keys may have changed since the run began, and what it did not reach it did not bring.

    In a transaction that holds no run: whoever asks for something locks the stack before its runs. A change of keys
    that failed is not tried again by itself: the page of SSH keys says so, and offers it.
    """
    workstation = await ctx.session.get(Workstation, run.stack_id)
    if workstation and run.is_final and not run.kind.traits.gives_way:
        await machine_keys.deploy(ctx.acting(None), workstation)


async def _keep_disk_size(ctx: Context, run: Run) -> None:
    """A disk that has grown stays so, whatever ended the run."""
    workstation = await ctx.session.get(Workstation, run.stack_id)
    state = await state_versions.newest(ctx.session, ctx.vault, run.stack_id) if workstation else None
    if workstation and state and state.disk_size_gb:
        workstation.keep_disk_size(state.disk_size_gb)


async def _ended(session: AsyncSession, run: Run) -> None:
    await plans.forget(session, run.id)
    await session.flush()
    # Whatever is queued behind it may begin.
    await _offer(session, run)


async def _offer(session: AsyncSession, run: Run) -> None:
    await live.wake_workers(session)
    await runs.announce(session, run)
