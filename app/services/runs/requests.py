"""Requests for runs. A request is queued, joins an identical one, or supersedes one that has not begun."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import live
from app.models import Run, RunKind, Stack, Workstation
from app.models.base import short_id
from app.services.context import Context
from app.services.runs import capacity_queue
from app.services.runs.queries import pending
from app.services.terraform import plans

KEYS_INPUT = "ssh_public_keys"
"""The variable of terraform/workstation with the owner's SSH keys, which is set when a worker claims the run."""
ACCOUNT_INPUT = "service_account_email"
"""The variable of terraform/workstation with its service account, which is set anew when a worker claims a change."""
SNAPSHOT_INPUT = "disk_snapshot"
"""The variable of terraform/workstation with the snapshot of a new data disk. Of a move, it is set at the claim."""
OPENED_INPUT = "opened_snapshot"
"""The variable of terraform/workstation with the snapshot that is open, which is set when a worker claims a run."""
RUN_LIMIT_INPUT = "run_limit_hours"
"""The variable of terraform/workstation with a new machine's run limit, which is set when a worker claims a run."""
GENERATION_INPUT = "sql_generation"
"""The variable of terraform/shared with the database's number, which is set when a worker claims the run."""


async def request(
    ctx: Context,
    stack: Stack,
    kind: RunKind,
    inputs: dict[str, Any],
    changes: dict[str, Any] | None = None,
    reason: str = "",
) -> Run:
    """Queue a change to a stack, and wake the workers, in the caller's transaction.

    An identical request joins the queued run or, if none is queued, the executing one. Other runs that are queued or
    await approval are superseded, but not by a change of SSH keys. An executing run is never touched.

    :param changes: the new values of the subject's row if the run succeeds.
    :param reason: why, as a sentence.
    """
    others = await lock(ctx.session, stack.id)
    newest = others[-1] if others else None
    if newest and newest.kind is kind and _is_same(newest.inputs, inputs) and not newest.is_canceling:
        # The inputs may be the same while the rows differ: the same IP range may belong to somebody else now.
        newest.changes = changes or {}
        return newest
    run = Run(
        id=short_id(10),
        stack_id=stack.id,
        requested_by=ctx.actor.id if ctx.actor else None,
        kind=kind,
        inputs=inputs,
        changes=changes or {},
        reason=reason,
        created_at=ctx.now,
    )
    await _supersede(ctx, others, run)
    ctx.session.add(run)
    await ctx.session.flush()
    await live.wake_workers(ctx.session)
    await announce(ctx.session, run)
    return run


def _is_same(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether the variables are the same, apart from those that are set at the claim."""
    with_the_claim = dict.fromkeys((KEYS_INPUT, ACCOUNT_INPUT, GENERATION_INPUT, SNAPSHOT_INPUT, RUN_LIMIT_INPUT))
    return before | with_the_claim == after | with_the_claim


async def lock(session: AsyncSession, stack_id: str) -> list[Run]:
    """Lock the stack's runs until this transaction ends: the executing one, then the queued one."""
    # Not the stack's row: a worker that holds its run's row and then locks the stack's would deadlock with this.
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"requests of {stack_id}", 0))))
    return await pending(session, stack_id, lock=True)


async def _supersede(ctx: Context, others: list[Run], by: Run) -> None:
    for waiting in others:
        waits_for_nobody = waiting.is_queued or (waiting.is_waiting and not by.kind.traits.gives_way)
        if waits_for_nobody or (waiting.can_approve and (waiting.kind is by.kind or not by.kind.traits.gives_way)):
            waiting.supersede(by, ctx.now)
            if waiting.waiting_since:
                await capacity_queue.advance(ctx.session)
            await plans.forget(ctx.session, waiting.id)
            await ctx.session.flush()
            await announce(ctx.session, waiting)


async def announce(session: AsyncSession, run: Run) -> None:
    """Signal a change to pages that show the run, its stack, or all of its owner's workstations."""
    owner_id = await session.scalar(select(Workstation.owner_id).where(Workstation.id == run.stack_id))
    topics = [live.run_topic(run.id), live.stack_topic(run.stack_id)]
    # A stack without an owner is the shared stack, which has the firewall's allowed IPs.
    topics.append(live.member_topic(owner_id) if owner_id else live.ALLOWED_IPS)
    await live.signal(session, *topics)
