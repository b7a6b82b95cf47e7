"""The life of a run from its claim to its end, whoever ends it: a worker, a member who cancels it, or a checkout.

The caller holds the run's row lock, and commits.
"""

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import live
from app.models import CancelMode, Member, Run, Workstation
from app.models.run_kinds import ORDERS
from app.models.run_states import EXECUTING
from app.services import runs
from app.services.context import Context
from app.services.keys import machine_keys
from app.services.runs import capacity_queue, log, stacks
from app.services.runs.stacks import Subject
from app.services.shared import databases
from app.services.terraform import plans, state_versions
from app.services.workstations import accounts, disk_sources, opened_snapshots, run_limits

MAX_INTERRUPTIONS = 10
"""After so many interruptions a run fails, since the run itself may be their cause."""


async def claim(ctx: Context, run: Run, worker_id: str, host: str) -> bool:
    """Claim a run for a worker, if possible; returns whether it was claimed. Otherwise, the run may end here."""
    session, now = ctx.session, ctx.now
    # Its Terraform may still be running where its files are.
    if (
        not (run.can_be_claimed and run.is_due(now))
        or run.is_left_to_another_host(host, now)
        or await _stack_is_busy(session, run)
    ):
        return False
    subject = await stacks.subject(session, run.stack_id, lock=True)
    why = await stops_because(ctx, run, subject) if run.is_queued or run.is_waiting else ""
    if why and run.has_changed_anything:
        # What it has created is rolled back.
        run.cancel = run.cancel or CancelMode.UNDO
    elif why:
        await log.write(session, run, [log.LogEntry(f"Canceled: {why}", now)])
        run.end_canceled(now)
        subject.restore_status(now)
        await _ended(session, run)
        return False
    # Otherwise a run that kills its workers would do so for ever.
    if run.interruptions >= MAX_INTERRUPTIONS:
        reason = f"\n{run.error}" if run.error else ""
        await fail(ctx, run, f"Given up after {run.interruptions} interrupted attempts.{reason}")
        return False
    # Keys, the account and the database's number are those of now, however long the run was queued.
    if run.is_queued or run.is_waiting:
        await machine_keys.bind(session, run)
        await accounts.bind(ctx, run)
        await disk_sources.bind(ctx, run)
        await opened_snapshots.bind(session, run)
        await run_limits.bind(session, run)
    if run.is_waiting:
        run.begin_round()
    await databases.bind(ctx, run)
    run.claim(worker_id, host, now)
    subject.begin(run)
    await runs.announce(session, run)
    return True


async def stops_because(ctx: Context, run: Run, subject: Subject) -> str:
    """Why a run that has not begun is not to begin any more, as a sentence; empty if it may."""
    if subject.rejects(run.kind):
        # Asked for while the run that destroyed it went on.
        return f"the {subject.noun} has been deleted."
    if not (isinstance(subject, Workstation) and run.kind.traits.gives_machine):
        return ""
    if run.is_waiting and subject.has_ended(ctx.now):
        return "its end date has passed."
    if run.is_waiting and run.kind in ORDERS and subject.was_to_stop_since(run.created_at, ctx.now):
        return "its office hours have ended."
    owner = await ctx.session.get_one(Member, subject.owner_id, populate_existing=True)
    asked_by = await ctx.session.get(Member, run.requested_by) if run.requested_by else None
    if owner.is_disabled and not (asked_by and asked_by.is_admin and asked_by is not owner):
        return f"{owner.email} is disabled."
    return ""


async def _stack_is_busy(session: AsyncSession, run: Run) -> bool:
    other = exists().where(Run.stack_id == run.stack_id, Run.id != run.id, Run.status.in_(EXECUTING))
    return bool(run.is_queued and await session.scalar(select(other)))


async def finish(ctx: Context, run: Run, *, differs: bool = False) -> None:
    """End a run with success. The caller has updated its subject.

    :param differs: whether a check has found drift.
    """
    if differs:
        run.find_differences(ctx.now)
    elif run.has_changed_anything:
        run.succeed(ctx.now)
    else:
        run.find_no_changes(ctx.now)
    await _ended(ctx.session, run)


async def fail(ctx: Context, run: Run, error: str) -> None:
    """End a run with an error.

    :param error: the raw error text, without secrets.
    """
    run.fail(error, ctx.now)
    subject = await stacks.subject(ctx.session, run.stack_id, lock=True)
    if run.kind.traits.uses_terraform or run.ordered_at:
        subject.become_failed()
    else:
        # Google has not accepted the order, so the machine is unchanged.
        subject.restore_status(ctx.now)
    await _keep_disk_size(ctx, run)
    await _ended(ctx.session, run)


async def cancel(ctx: Context, run: Run, *, is_undone: bool) -> None:
    """End a run as canceled.

    :param is_undone: whether its changes were rolled back; if not, its subject has failed.
    """
    subject = await stacks.subject(ctx.session, run.stack_id, lock=True)
    if is_undone or not run.has_changed_anything:
        subject.restore_status(ctx.now)
    else:
        subject.become_failed()
    # A run that no worker had has already ended when it was canceled.
    if not run.is_final:
        run.end_canceled(ctx.now)
    await _keep_disk_size(ctx, run)
    await _ended(ctx.session, run)


async def drop(ctx: Context, run: Run) -> None:
    """End a run that was canceled or discarded while no worker had it, so that nothing was changed."""
    others = await runs.pending(ctx.session, run.stack_id)
    if not any(other.is_executing and other.id != run.id for other in others):
        # Otherwise the subject's status is that of the run before it, which goes on.
        (await stacks.subject(ctx.session, run.stack_id)).restore_status(ctx.now)
    await _ended(ctx.session, run)
    await deploy_missed_keys(ctx, run)


async def hand_over(ctx: Context, run: Run) -> None:
    """Release a run because its worker shuts down."""
    run.hand_over(ctx.now)
    await _offer(ctx.session, run)


async def interrupt(ctx: Context, run: Run) -> None:
    """Release a run because its worker was lost, or had an unexpected error."""
    run.interrupt(ctx.now)
    await _offer(ctx.session, run)


async def await_approval(ctx: Context, run: Run, awaits: list[dict[str, str]]) -> None:
    """Wait for an approval of the plan. Until then, the subject has its previous status."""
    run.await_approval(awaits, ctx.now)
    (await stacks.subject(ctx.session, run.stack_id, lock=True)).restore_status(ctx.now)


async def await_capacity(ctx: Context, run: Run, *, has_changed_anything: bool) -> None:
    """Wait until Google has capacity, or give way to what was requested instead meanwhile.

    :param has_changed_anything: whether the run has created something that exists.
    """
    run.await_capacity(ctx.now, has_changed_anything=has_changed_anything)
    subject = await stacks.subject(ctx.session, run.stack_id, lock=True)
    if isinstance(subject, Workstation):
        subject.await_capacity()
    newer = await runs.next_of(ctx.session, run)
    if newer and not newer.kind.traits.gives_way:
        run.supersede(newer, ctx.now)
        await _ended(ctx.session, run)


async def approve(ctx: Context, run: Run) -> None:
    """Approve a plan. A worker then applies exactly this plan."""
    run.approve(ctx.member, ctx.now)
    await _offer(ctx.session, run)


async def deploy_missed_keys(ctx: Context, run: Run) -> None:
    """Queue a deployment of the owner's SSH keys if they have changed during the run, or the run has not deployed them.

    Must be called in a transaction without locked runs, because requesting a run locks the stack first.
    """
    workstation = await ctx.session.get(Workstation, run.stack_id)
    # A failed change of keys is not repeated automatically: the page of SSH keys offers that.
    if workstation and run.is_final and not run.kind.traits.gives_way:
        await machine_keys.deploy(ctx.acting(None), workstation)


async def _keep_disk_size(ctx: Context, run: Run) -> None:
    """Record the sizes of the disks, which stay enlarged however the run ended."""
    workstation = await ctx.session.get(Workstation, run.stack_id)
    state = await state_versions.newest(ctx.session, ctx.vault, run.stack_id) if workstation else None
    if workstation and state and state.disk_size_gb:
        workstation.keep_disk_size(state.disk_size_gb)
    if workstation and state and state.boot_disk_size_gb:
        workstation.keep_boot_disk_size(state.boot_disk_size_gb)


async def _ended(session: AsyncSession, run: Run) -> None:
    if run.waiting_since:
        await capacity_queue.advance(session)
    await plans.forget(session, run.id)
    await session.flush()
    # A queued run of the stack can begin now.
    await _offer(session, run)


async def _offer(session: AsyncSession, run: Run) -> None:
    await live.wake_workers(session)
    await runs.announce(session, run)
