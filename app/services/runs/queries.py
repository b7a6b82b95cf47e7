"""Queries for runs."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from app.errors import NotFoundError
from app.models import Member, Run, RunKind, RunResource, RunStatus, Workstation
from app.models.run_states import EXECUTING


async def pending(session: AsyncSession, stack_id: str, *, lock: bool = False) -> list[Run]:
    """The executing run, then the queued one.

    :param lock: lock them, so that no worker claims or ends one before this transaction ends.
    """
    query = select(Run).where(Run.stack_id == stack_id, Run.status.in_({*EXECUTING, RunStatus.QUEUED}))
    if lock:
        query = query.with_for_update(of=Run).execution_options(populate_existing=True)
    # False sorts before True.
    return sorted(await session.scalars(query), key=lambda run: run.is_queued)


async def under_way(session: AsyncSession, stack_id: str, kind: RunKind) -> Run | None:
    """The stack's executing or queued run of this kind, if there is one."""
    return next((run for run in await pending(session, stack_id) if run.kind is kind), None)


async def find(session: AsyncSession, member: Member, run_id: str) -> Run:
    """One run, with its requester. Raises NotFoundError unless the run is of the member's own stack or they are an
    admin."""
    # populate_existing: a run that this transaction has just created has no requester loaded.
    run = await session.get(Run, run_id, options=[joinedload(Run.requester)], populate_existing=True)
    if run is None or not (member.is_admin or await is_of(session, member, run)):
        raise NotFoundError("run")
    return run


async def is_of(session: AsyncSession, member: Member, run: Run) -> bool:
    """Whether it is a run of one of this member's workstations."""
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


def told_of(made: Sequence[Run], *, has_failed: bool) -> Run | None:
    """The run that a page is about, of a stack's runs, newest first: the one that goes on, or the newest.

    :param has_failed: the stack is left as a run failed. Changes of SSH keys meanwhile do not hide that one.
    """
    shown = [run for run in made if not has_failed or _tells_of_failure(run)] or made
    return next((run for run in shown if run.is_executing), shown[0] if shown else None)


def _tells_of_failure(run: Run) -> bool:
    if run.is_final:
        return run.error is not None and run.kind.traits.status_meanwhile is not None
    return run.kind is not RunKind.REKEY or run.can_approve


async def resources(session: AsyncSession, run_id: str) -> Sequence[RunResource]:
    """The resources that the run changes, in the order in which it began with them."""
    query = select(RunResource).where(RunResource.run_id == run_id)
    return list(await session.scalars(query.order_by(RunResource.started_at.nulls_last(), RunResource.address)))


async def next_of(session: AsyncSession, run: Run) -> Run | None:
    """The run that is queued behind this executing one, if there is one."""
    if not run.is_executing:
        return None
    return next((other for other in await pending(session, run.stack_id) if other.is_queued), None)


async def awaiting_approval(session: AsyncSession, owner: Member) -> list[tuple[Run, Workstation]]:
    """The plans for a member's workstations that somebody has to approve or discard, the oldest first."""
    awaits = (Workstation.owner_id == owner.id, Run.status == RunStatus.AWAITING_APPROVAL, Run.approved_at.is_(None))
    query = select(Run, Workstation).join(Workstation, Workstation.id == Run.stack_id).where(*awaits)
    return [(run, machine) for run, machine in await session.execute(query.order_by(Run.created_at))]


async def newest_ids(session: AsyncSession, stack_ids: Sequence[str]) -> dict[str, str]:
    """The newest run of each stack."""
    query = select(Run.stack_id, Run.id).where(Run.stack_id.in_(stack_ids)).ext(distinct_on(Run.stack_id))
    rows = await session.execute(query.order_by(Run.stack_id, Run.created_at.desc()))
    return {stack_id: run_id for stack_id, run_id in rows}  # noqa: C416 - dict() takes a Result for a mapping
