"""Asking for a run: it is queued, joins an identical one, or takes the place of one that has not begun."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import live
from app.models import Run, RunKind, Stack, Workstation
from app.models.base import short_id
from app.services.context import Context
from app.services.runs.queries import pending
from app.services.terraform import plans

KEYS_INPUT = "ssh_public_keys"
"""The variable of terraform/workstation that has the owner's keys; a run has it from its claim on."""
GENERATION_INPUT = "sql_generation"
"""The variable of terraform/shared that numbers the database; a run has it from its claim on."""


async def request(
    ctx: Context,
    stack: Stack,
    kind: RunKind,
    inputs: dict[str, Any],
    changes: dict[str, Any] | None = None,
    reason: str = "",
) -> Run:
    """Queue a change to a stack, and wake the workers, in the caller's transaction.

    An identical request joins the one queued or, where nothing is queued behind it, the one executing. Any other that
    is queued, or waits for a decision, is superseded; a run that executes is never touched. A change of keys waits
    behind what waits for a decision: it was not asked for in its place.

    :param changes: what becomes of the row of the stack's subject once the run has succeeded.
    :param reason: why, in a sentence.
    """
    others = await lock(ctx.session, stack.id)
    newest = others[-1] if others else None
    if newest and newest.kind is kind and _is_same(newest.inputs, inputs) and not newest.is_canceling:
        # The newest request counts for the row: the same ranges may by now be somebody else's as well.
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
    """Some come with the claim: a run that was claimed has them, one that is asked for has not."""
    with_the_claim = dict.fromkeys((KEYS_INPUT, GENERATION_INPUT))
    return before | with_the_claim == after | with_the_claim


async def lock(session: AsyncSession, stack_id: str) -> list[Run]:
    """The stack's executing run, then its queued one, as they are until our transaction ends."""
    # Not the stack's row: a worker that holds its run and marks the stack would wait for us, and we for that run.
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"requests of {stack_id}", 0))))
    return await pending(session, stack_id, lock=True)


async def _supersede(ctx: Context, others: list[Run], by: Run) -> None:
    for waiting in others:
        if waiting.is_queued or (waiting.can_approve and (waiting.kind is by.kind or not by.kind.traits.gives_way)):
            waiting.supersede(by, ctx.now)
            await plans.forget(ctx.session, waiting.id)
            await ctx.session.flush()
            await announce(ctx.session, waiting)


async def announce(session: AsyncSession, run: Run) -> None:
    """Signal to whoever watches the run, its stack, or all that its owner has."""
    owner_id = await session.scalar(select(Workstation.owner_id).where(Workstation.id == run.stack_id))
    topics = [live.run_topic(run.id), live.stack_topic(run.stack_id)]
    # What nobody owns is the shared stack.
    topics.append(live.member_topic(owner_id) if owner_id else live.ALLOWED_IPS)
    await live.signal(session, *topics)
