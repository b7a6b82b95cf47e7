"""Asking for a run: it is queued, joins an identical one, or takes the place of one that has not begun."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import live, queue
from app.models import Member, Run, RunKind, RunStatus, Stack, Workstation
from app.models.base import short_id
from app.services.runs.queries import pending
from app.services.terraform import plans


async def request(
    session: AsyncSession,
    stack: Stack,
    kind: RunKind,
    member: Member | None,
    inputs: dict[str, Any],
    now: datetime,
    changes: dict[str, Any] | None = None,
    reason: str = "",
) -> Run:
    """Queue a change to a stack, and ring for a worker, in the caller's transaction.

    An identical wish joins the one queued or, where nothing is queued behind it, the one executing. Any other wish that
    is queued, or waits for a decision, is superseded; a run that executes is never touched. A change of keys waits
    behind what waits for a decision: it was not asked for in its place.

    :param member: who asks; None for the portal itself.
    :param changes: what becomes of the row of the stack's subject once the run has succeeded.
    :param reason: why, in a sentence.
    """
    others = await lock(session, stack.id)
    newest = others[-1] if others else None
    if newest and newest.kind is kind and newest.inputs == inputs and not newest.is_canceling:
        # What has just been wished for counts for the row: the same ranges may by now be somebody else's as well.
        newest.changes = changes or {}
        return newest
    run = Run(
        id=short_id(10),
        stack_id=stack.id,
        requested_by=member.id if member else None,
        kind=kind,
        inputs=inputs,
        changes=changes or {},
        reason=reason,
        created_at=now,
    )
    for waiting in others:
        is_in_its_way = kind is not RunKind.REKEY or waiting.kind is RunKind.REKEY
        if waiting.is_queued or (waiting.can_approve and is_in_its_way):
            await _supersede(session, waiting, run, now)
    session.add(run)
    await session.flush()
    await queue.enqueue(session, run.id)
    await announce(session, run)
    return run


async def lock(session: AsyncSession, stack_id: str) -> list[Run]:
    """The stack's executing run, then its queued one, as they are until our transaction ends."""
    # Not the stack's row: a worker that holds its run and marks the stack would wait for us, and we for that run.
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"wishes of {stack_id}", 0))))
    return await pending(session, stack_id, lock=True)


async def _supersede(session: AsyncSession, run: Run, by: Run, now: datetime) -> None:
    run.supersede(by, now)
    await plans.forget(session, run.id)
    await session.flush()
    await announce(session, run)


async def enqueue_next(session: AsyncSession, stack_id: str) -> None:
    """A run of this stack has ended: whatever is queued behind it may begin."""
    next_id = await session.scalar(select(Run.id).where(Run.stack_id == stack_id, Run.status == RunStatus.QUEUED))
    if next_id:
        await queue.enqueue(session, next_id)


async def announce(session: AsyncSession, run: Run) -> None:
    """Signal to whoever watches the run, its stack, or all that its owner has."""
    owner_id = await session.scalar(select(Workstation.owner_id).where(Workstation.id == run.stack_id))
    topics = [live.run_topic(run.id), live.stack_topic(run.stack_id)]
    # What nobody owns is the shared stack.
    topics.append(live.member_topic(owner_id) if owner_id else live.ALLOWED_IPS)
    await live.signal(session, *topics)
