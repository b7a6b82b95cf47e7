"""Runs: how a wish becomes a queued run, and how runs are found and read. What people decide is in decisions.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from app import live, queue
from app.errors import NotFoundError
from app.infra import hints
from app.models import LogLevel, LogLine, Member, Run, RunKind, RunResource, RunStatus, Stack, Worker, Workstation
from app.models.base import short_id
from app.models.run_states import EXECUTING, SUCCESS, WITHOUT_TERRAFORM
from app.services import plans


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
    others = await hold(session, stack.id)
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
    await queue.ring(session, run.id)
    await announce(session, run)
    return run


async def hold(session: AsyncSession, stack_id: str) -> list[Run]:
    """The stack's executing run, then its queued one, as they are until our transaction ends."""
    # Not the stack's row: a worker that holds its run and marks the stack would wait for us, and we for that run.
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"wishes of {stack_id}", 0))))
    return await pending(session, stack_id, lock=True)


async def _supersede(session: AsyncSession, run: Run, by: Run, now: datetime) -> None:
    run.supersede(by, now)
    await plans.forget(session, run.id)
    await session.flush()
    await announce(session, run)


async def ring_next(session: AsyncSession, stack_id: str) -> None:
    """A run of this stack has ended: whatever is queued behind it may begin."""
    next_id = await session.scalar(select(Run.id).where(Run.stack_id == stack_id, Run.status == RunStatus.QUEUED))
    if next_id:
        await queue.ring(session, next_id)


async def announce(session: AsyncSession, run: Run) -> None:
    """Signal to whoever watches the run, its stack, or all that its owner has."""
    owner_id = await session.scalar(select(Workstation.owner_id).where(Workstation.id == run.stack_id))
    topics = [live.run_topic(run.id), live.stack_topic(run.stack_id)]
    # What nobody owns is the shared stack.
    topics.append(live.member_topic(owner_id) if owner_id else live.ALLOWED_IPS)
    await live.signal(session, *topics)


async def pending(session: AsyncSession, stack_id: str, *, lock: bool = False) -> list[Run]:
    """The executing run, then the queued one. Locked, no worker claims or ends one before our transaction does."""
    query = select(Run).where(Run.stack_id == stack_id, Run.status.in_({*EXECUTING, RunStatus.QUEUED}))
    if lock:
        query = query.with_for_update(of=Run).execution_options(populate_existing=True)
    return sorted(await session.scalars(query), key=lambda run: run.is_queued)


async def under_way(session: AsyncSession, stack_id: str, kind: RunKind) -> Run | None:
    """The run of that kind that a stack executes or has queued."""
    return next((run for run in await pending(session, stack_id) if run.kind is kind), None)


async def last_inputs(session: AsyncSession, stack_id: str) -> dict[str, Any]:
    """The variables of the newest run that has made, or may be making, the stack what it is; else of the newest."""
    may_have = or_(Run.applying_at.is_not(None), Run.status.in_({*EXECUTING, *SUCCESS} - {RunStatus.AWAITING_APPROVAL}))
    query = select(Run.inputs).where(Run.stack_id == stack_id, Run.kind.not_in(WITHOUT_TERRAFORM))
    newest_first = query.order_by(may_have.desc(), Run.created_at.desc())
    return dict(await session.scalar(newest_first.limit(1)) or {})


async def reached_inputs(session: AsyncSession, stack_id: str) -> dict[str, Any]:
    """The variables of the newest run that succeeded, or else of the newest that may have changed anything."""
    query = select(Run.inputs).where(
        Run.stack_id == stack_id,
        Run.kind.not_in(WITHOUT_TERRAFORM),
        or_(Run.status.in_(SUCCESS), Run.applying_at.is_not(None)),
    )
    newest_first = query.order_by(Run.status.in_(SUCCESS).desc(), Run.created_at.desc())
    return dict(await session.scalar(newest_first.limit(1)) or {})


async def find(session: AsyncSession, member: Member, run_id: str) -> Run:
    """One run, with who asked for it; raises NotFoundError for what is neither of one's own stack nor an admin's."""
    # Anew, where a service has just made it: who asked for it is then not loaded.
    run = await session.get(Run, run_id, options=[joinedload(Run.requester)], populate_existing=True)
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


async def of_stack(session: AsyncSession, stack_id: str, limit: int = 20) -> list[Run]:
    """A stack's runs, newest first."""
    query = select(Run).where(Run.stack_id == stack_id).options(joinedload(Run.requester))
    return list(await session.scalars(query.order_by(Run.created_at.desc(), Run.id).limit(limit)))


async def resources(session: AsyncSession, run_id: str) -> Sequence[RunResource]:
    """What the run works on, in the order in which it began."""
    query = select(RunResource).where(RunResource.run_id == run_id)
    return list(await session.scalars(query.order_by(RunResource.started_at.nulls_last(), RunResource.address)))


async def log(session: AsyncSession, run_id: str, *, after: int = 0, limit: int = 1000) -> list[LogLine]:
    """Lines of a run's log whose number is above `after`, in order."""
    query = select(LogLine).where(LogLine.run_id == run_id, LogLine.seq > after)
    return list(await session.scalars(query.order_by(LogLine.seq).limit(limit)))


@dataclass(frozen=True)
class Waiting:
    """Why a queued run has not begun."""

    sentence: str
    behind: Run | None
    """The run of the same stack that must end first."""


async def waiting(session: AsyncSession, run: Run, now: datetime) -> Waiting | None:
    """Why it waits; None for a run that is not queued."""
    if not run.is_queued:
        return None
    behind = next((other for other in await pending(session, run.stack_id) if other.is_executing), None)
    if behind and behind.can_approve:
        return Waiting("It begins once the run before it is decided.", behind)
    if behind:
        return Waiting("It begins when the run before it has ended.", behind)
    alive = select(func.count()).select_from(Worker).where(Worker.seen_at > now - Worker.ALIVE_FOR)
    if not await session.scalar(alive):
        return Waiting("No worker is running: an admin starts one.", None)
    ahead = select(func.count()).select_from(Run).where(Run.status == RunStatus.QUEUED, Run.created_at < run.created_at)
    before = await session.scalar(ahead) or 0
    return Waiting(f"All workers are busy; {before} before it." if before else "A worker takes it next.", None)


async def next_of(session: AsyncSession, run: Run) -> Run | None:
    """The run that is queued behind this one, which executes."""
    if not run.is_executing:
        return None
    return next((other for other in await pending(session, run.stack_id) if other.is_queued), None)


def hint(run: Run) -> hints.Hint | None:
    """What to do about a run that failed."""
    return hints.find(run.error) if run.error else None


async def trouble(session: AsyncSession, run: Run) -> str:
    """What was wrong at the last try, in a sentence: of a run that goes on, only its log says so."""
    errors = select(LogLine.message).where(LogLine.run_id == run.id, LogLine.level == LogLevel.ERROR)
    last = await session.scalar(errors.order_by(LogLine.seq.desc()).limit(1))
    return hints.find(last).title if last else ""


async def newest_ids(session: AsyncSession, stack_ids: Sequence[str]) -> dict[str, str]:
    """Stack → its newest run."""
    query = select(Run.stack_id, Run.id).where(Run.stack_id.in_(stack_ids)).ext(distinct_on(Run.stack_id))
    rows = await session.execute(query.order_by(Run.stack_id, Run.created_at.desc()))
    return {stack_id: run_id for stack_id, run_id in rows}  # noqa: C416 - dict() takes a Result for a mapping
