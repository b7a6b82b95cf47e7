"""Why a run is queued or has failed, in sentences."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.infra import hints
from app.models import LogLevel, LogLine, Run, RunStatus, Worker
from app.services.runs.queries import pending


@dataclass(frozen=True)
class QueueReason:
    """Why a queued run has not begun."""

    sentence: str
    behind: Run | None
    """The run of the same stack that must end first."""


async def waiting(session: AsyncSession, run: Run, now: datetime) -> QueueReason | None:
    """Why the run is queued; None if it is not."""
    if not run.is_queued:
        return None
    behind = next((other for other in await pending(session, run.stack_id) if other.is_executing), None)
    if behind and behind.can_approve:
        return QueueReason("Starts after the previous run is approved or discarded.", behind)
    if behind:
        return QueueReason("Starts when the previous run has ended.", behind)
    alive = select(func.count()).select_from(Worker).where(Worker.seen_at > now - Worker.ALIVE_FOR)
    if not await session.scalar(alive):
        return QueueReason("No worker is running. Ask an admin to start one.", None)
    # An estimate: owners take turns, so it may start earlier or later.
    ahead = select(func.count()).select_from(Run).where(Run.status == RunStatus.QUEUED, Run.created_at < run.created_at)
    before = await session.scalar(ahead) or 0
    return QueueReason(f"All workers are busy; {before} ahead in the queue." if before else "Next in the queue.", None)


def hint(run: Run) -> hints.Hint | None:
    """What to do about a failed run; None if it has not failed."""
    return hints.find(run.error) if run.error else None


async def last_error(session: AsyncSession, run: Run) -> str:
    """The title of the last error in the run's log; empty if there is none."""
    # While a run is retried, only its log has the error.
    errors = select(LogLine.message).where(LogLine.run_id == run.id, LogLine.level == LogLevel.ERROR)
    last = await session.scalar(errors.order_by(LogLine.seq.desc()).limit(1))
    return hints.find(last).title if last else ""
