"""What a worker does with a run, step by step and by the worker's own functions, but without Terraform."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import AuditEntry, LogLevel, Run, RunKind, SharedStack, Workstation
from app.services import audit, lifecycle, runs
from app.services.audit import AuditFilter
from app.services.context import Context
from app.services.runs import log, stacks
from app.services.runs.stacks import Subject
from app.services.shared import shared_stack

ADDRESS = "127.70.1.2"
HOST_KEYS = {"ssh-ed25519": "AAAAC3NzaC1lZDI1NTE5AAAAIJz1Qn8uFTb9bX0p0Y0n1p0sXQ0v8Q7Yl6m0f0l3c1aB"}
STOCK_OUT = "Error: The zone 'europe-west4-a' does not have enough resources available. ZONE_RESOURCE_POOL_EXHAUSTED"


async def pending_run(ctx: Context, stack: SharedStack | Workstation) -> Run:
    """The only one that is pending."""
    [run] = await runs.pending(ctx.session, stack.id)
    return run


async def make_shared_stack(ctx: Context) -> SharedStack:
    """It exists, and lets nobody in."""
    stack = await shared_stack.find(ctx)
    stack.become_ready({}, ctx.now)
    await ctx.session.flush()
    return stack


async def claim(ctx: Context, run: Run) -> Run:
    """A worker takes it."""
    assert await lifecycle.claim(ctx, run, "a-worker", "a-host")
    await log.write(ctx.session, run, [log.LogEntry("Claimed", ctx.now)])
    return run


async def apply(ctx: Context, run: Run) -> Run:
    """A worker takes it, unless one has it, and Terraform changes what is to be changed."""
    if run.can_be_claimed:
        await claim(ctx, run)
    if run.kind.traits.changes_stack:
        run.begin_apply(ctx.now)
    await ctx.session.flush()
    return run


async def carry_out(ctx: Context, run: Run) -> Run:
    """From where it stands to its good end."""
    await apply(ctx, run)
    _write_down(await stacks.subject(ctx.session, run.stack_id), run, ctx.now)
    await log.write(ctx.session, run, [log.LogEntry("Ready", ctx.now)])
    await lifecycle.finish(ctx, run)
    return run


async def fail(ctx: Context, run: Run, error: str = STOCK_OUT) -> Run:
    """From where it stands to an end without success."""
    await apply(ctx, run)
    await log.write(ctx.session, run, [log.LogEntry(error, ctx.now, LogLevel.ERROR)])
    await lifecycle.fail(ctx, run, error)
    return run


async def await_approval(ctx: Context, run: Run, awaits: Sequence[dict[str, str]] = ()) -> Run:
    """A worker takes it, and its plan has to be decided."""
    await claim(ctx, run)
    await log.write(ctx.session, run, [log.LogEntry("Waiting for a decision.", ctx.now, LogLevel.WARN)])
    await lifecycle.await_approval(ctx, run, list(awaits))
    await ctx.session.flush()
    return run


def _write_down(subject: Subject, run: Run, now: datetime) -> None:
    """What the kinds of runs write down of their subject at a good end (app/worker/kinds)."""
    if run.kind is RunKind.CHECK:
        subject.become_checked(None, now)
    elif run.kind is RunKind.DESTROY:
        subject.become_destroyed(now, disk_kept=bool(run.inputs.get("disk_only")))
    elif isinstance(subject, Workstation):
        if run.kind is RunKind.STOP:
            subject.become_stopped()
        elif run.kind is not RunKind.REKEY:
            subject.take(run.changes)
            subject.become_running(ADDRESS, HOST_KEYS, now)
    else:
        subject.take(run.changes)
        subject.become_ready({}, now)


async def audit_entries(session: AsyncSession, **desired: object) -> list[AuditEntry]:
    """What was written down, the oldest first."""
    await session.flush()
    return (await audit.entries(session, AuditFilter.model_validate(desired), limit=1000))[::-1]


async def audit_actions(session: AsyncSession, **desired: object) -> list[str]:
    """Their actions."""
    return [entry.action for entry in await audit_entries(session, **desired)]
