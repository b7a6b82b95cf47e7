"""Runs: how a wish becomes a queued run, and how runs are found, read, cancelled and asked for again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from app import live, queue
from app.errors import ConflictError, NotFoundError
from app.infra import hints
from app.models import LogLine, Member, Run, RunKind, RunResource, RunStatus, Stack, Workstation
from app.models.base import short_id
from app.models.run import EXECUTING


async def request(
    session: AsyncSession, stack: Stack, kind: RunKind, member: Member, inputs: dict[str, Any], now: datetime
) -> Run:
    """Queue a change to a stack, and ring for a worker, in the caller's transaction.

    An identical wish joins the one queued or, where nothing is queued behind it, the one executing. Any other queued
    wish is superseded; a run that executes is never touched.
    """
    # NO KEY UPDATE: a worker that stores a state of this stack, which only refers to it, must not wait for us.
    await session.execute(select(Stack.id).where(Stack.id == stack.id).with_for_update(key_share=True))
    pending = await _pending(session, stack.id, lock=True)
    newest = pending[-1] if pending else None
    if newest and newest.kind is kind and newest.inputs == inputs:
        return newest
    run = Run(id=short_id(10), stack_id=stack.id, requested_by=member.id, kind=kind, inputs=inputs, created_at=now)
    if newest and newest.is_queued:
        newest.supersede(run, now)
        await session.flush()
    session.add(run)
    await session.flush()
    await queue.ring(session, run.id)
    await announce(session, run)
    return run


async def announce(session: AsyncSession, run: Run) -> None:
    """Signal to whoever watches the run, its workstation, or all that its owner has."""
    owner_id = await session.scalar(select(Workstation.owner_id).where(Workstation.id == run.stack_id))
    topics = [live.run_topic(run.id), live.workstation_topic(run.stack_id)]
    if owner_id:
        topics.append(live.member_topic(owner_id))
    await live.signal(session, *topics)


async def _pending(session: AsyncSession, stack_id: str, *, lock: bool = False) -> list[Run]:
    """The executing run, then the queued one. Locked, no worker claims or ends one before our transaction does."""
    query = select(Run).where(Run.stack_id == stack_id, Run.status.in_({*EXECUTING, RunStatus.QUEUED}))
    if lock:
        query = query.with_for_update(of=Run).execution_options(populate_existing=True)
    return sorted(await session.scalars(query), key=lambda run: run.is_queued)


async def under_way(session: AsyncSession, stack_id: str, kind: RunKind) -> Run | None:
    """The run of that kind that a stack executes or has queued."""
    return next((run for run in await _pending(session, stack_id) if run.kind is kind), None)


async def last_inputs(session: AsyncSession, stack_id: str) -> dict[str, Any]:
    """The variables of a stack's newest run."""
    query = select(Run.inputs).where(Run.stack_id == stack_id).order_by(Run.created_at.desc()).limit(1)
    return dict(await session.scalar(query) or {})


async def find(session: AsyncSession, member: Member, run_id: str) -> Run:
    """One run, with who asked for it; raises NotFoundError for what is neither of one's own stack nor an admin's."""
    run = await session.get(Run, run_id, options=[joinedload(Run.requester)])
    if run is None or not (member.is_admin or await _owns(session, member, run)):
        raise NotFoundError("run")
    return run


async def _owns(session: AsyncSession, member: Member, run: Run) -> bool:
    owner_id = await session.scalar(select(Workstation.owner_id).where(Workstation.id == run.stack_id))
    return owner_id == member.id


async def list_of(
    session: AsyncSession, member: Member, *, workstation_id: str | None = None, limit: int = 50, offset: int = 0
) -> list[Run]:
    """Runs of a member's workstations, newest first."""
    query = select(Run).join(Workstation, Workstation.id == Run.stack_id).where(Workstation.owner_id == member.id)
    if workstation_id:
        query = query.where(Run.stack_id == workstation_id)
    query = query.options(joinedload(Run.requester)).order_by(Run.created_at.desc(), Run.id)
    return list(await session.scalars(query.limit(limit).offset(offset)))


async def of_workstation(session: AsyncSession, workstation_id: str, limit: int = 20) -> list[Run]:
    """A workstation's runs, newest first."""
    query = select(Run).where(Run.stack_id == workstation_id).options(joinedload(Run.requester))
    return list(await session.scalars(query.order_by(Run.created_at.desc(), Run.id).limit(limit)))


async def resources(session: AsyncSession, run_id: str) -> Sequence[RunResource]:
    """What the run works on, in the order in which it began."""
    query = select(RunResource).where(RunResource.run_id == run_id)
    return list(await session.scalars(query.order_by(RunResource.started_at.nulls_last(), RunResource.address)))


async def log(session: AsyncSession, run_id: str, *, after: int = 0, limit: int = 1000) -> list[LogLine]:
    """Lines of a run's log whose number is above `after`, in order."""
    query = select(LogLine).where(LogLine.run_id == run_id, LogLine.seq > after)
    return list(await session.scalars(query.order_by(LogLine.seq).limit(limit)))


async def cancel(session: AsyncSession, run: Run, now: datetime) -> None:
    """Take a queued run back. Raises ConflictError when it has begun or ended."""
    await session.refresh(run, with_for_update={"of": Run})
    if not run.can_cancel:
        raise ConflictError(
            "This run cannot be cancelled any more." if run.is_final else "This run has begun and is left to end."
        )
    run.cancel(now)
    workstation = await session.get(Workstation, run.stack_id)
    if workstation and not await _ever_executed(session, run.stack_id):
        workstation.become_destroyed(now, disk_kept=False)
    await announce(session, run)


async def _ever_executed(session: AsyncSession, stack_id: str) -> bool:
    return bool(await session.scalar(select(func.count()).where(Run.stack_id == stack_id, Run.attempt > 0)))


async def retry(session: AsyncSession, run: Run, member: Member, now: datetime) -> Run:
    """Ask for the same again, as a new run. Raises ConflictError while it goes on, or when it succeeded."""
    if not run.can_retry:
        raise ConflictError("Only a run that failed or was cancelled can be retried.")
    workstation = await session.get(Workstation, run.stack_id)
    if workstation and workstation.is_gone_for(run.kind):
        raise ConflictError(f"{workstation.name} is destroyed.", hint="Ask for a new workstation.")
    destroy = await under_way(session, run.stack_id, RunKind.DESTROY)
    if destroy and destroy.is_executing and run.kind is not RunKind.DESTROY:
        raise ConflictError("This workstation is being destroyed.", hint="Ask for a new workstation.")
    stack = await session.get_one(Stack, run.stack_id)
    return await request(session, stack, run.kind, member, run.inputs, now)


def hint(run: Run) -> hints.Hint | None:
    """What to do about a run that failed."""
    return hints.find(run.error) if run.error else None


async def newest_ids(session: AsyncSession, stack_ids: Sequence[str]) -> dict[str, str]:
    """Stack → its newest run."""
    query = select(Run.stack_id, Run.id).where(Run.stack_id.in_(stack_ids))
    rows = await session.execute(query.order_by(Run.stack_id, Run.created_at.desc()).distinct(Run.stack_id))
    return dict(rows.tuples().all())
