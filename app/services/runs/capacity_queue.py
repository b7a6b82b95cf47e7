"""The queue for capacity: who has waited longest tries first."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Run, Workstation, WorkstationStatus
from app.models.placement import Placement
from app.models.run_states import FINAL, RunStatus


async def reserved(session: AsyncSession, run: Run) -> Counter[Placement]:
    """How many have waited for each placement for longer than this run, which may not try it before them."""
    query = select(Run, Workstation).join(Workstation, Workstation.id == Run.stack_id)
    waiting = (Run.id != run.id, Run.waiting_since.is_not(None), Run.status.not_in(FINAL))
    rows = await session.execute(query.where(*waiting, _is_before(run)))
    return Counter(placement for other, machine in rows for placement in other.wanted(machine.placement))


def _is_before(run: Run) -> ColumnElement[bool]:
    if run.waiting_since is None:
        return Run.waiting_since.is_not(None)
    return tuple_(Run.waiting_since, Run.created_at, Run.id) < tuple_(run.waiting_since, run.created_at, run.id)


async def ahead(session: AsyncSession, run: Run) -> int:
    """How many have waited for longer for what this run waits for."""
    workstation = await session.get_one(Workstation, run.stack_id)
    found = await reserved(session, run)
    return max((found[placement] for placement in run.wanted(workstation.placement)), default=0)


async def next_tries(session: AsyncSession, workstations: Sequence[Workstation]) -> dict[str, datetime]:
    """When those that wait for capacity try again: ID → time. Those that try now are left out."""
    ids = [each.id for each in workstations if each.status is WorkstationStatus.WAITING_FOR_CAPACITY]
    if not ids:
        return {}
    waits = (Run.status == RunStatus.WAITING_FOR_CAPACITY, Run.next_try_at.is_not(None))
    rows = await session.execute(select(Run.stack_id, Run.next_try_at).where(Run.stack_id.in_(ids), *waits))
    return {stack_id: at for stack_id, at in rows if at}


async def advance(session: AsyncSession) -> None:
    """A wait has ended: whoever waited behind it is next, and tries at once."""
    waiting = select(Run.id).where(Run.status == RunStatus.WAITING_FOR_CAPACITY)
    woken = waiting.with_for_update(skip_locked=True).scalar_subquery()
    await session.execute(update(Run).where(Run.id.in_(woken)).values(next_try_at=None))
