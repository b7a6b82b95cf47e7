"""Numbers of workers, runs and workstations, for readiness and metrics."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Run, RunStatus, Worker, Workstation, WorkstationStatus
from app.models.machine_health import Level


async def live_workers(session: AsyncSession, now: datetime) -> int:
    """How many workers have sent a heartbeat lately."""
    query = select(func.count()).select_from(Worker).where(Worker.seen_at > now - Worker.ALIVE_FOR)
    return await session.scalar(query) or 0


async def free_bytes_by_host(session: AsyncSession, now: datetime) -> dict[str, int]:
    """The free space of workers: host → bytes in their fullest folder."""
    query = select(Worker.host, func.min(Worker.free_bytes)).where(Worker.seen_at > now - Worker.ALIVE_FOR)
    rows = await session.execute(query.group_by(Worker.host))
    return {host: free for host, free in rows if free is not None}


async def has_live_worker(session: AsyncSession, now: datetime) -> bool:
    """Whether a worker is running."""
    return await live_workers(session, now) > 0


async def runs_by_status(session: AsyncSession) -> dict[RunStatus, int]:
    """The number of runs by status."""
    rows = await session.execute(select(Run.status, func.count()).group_by(Run.status))
    return {status: count for status, count in rows}  # noqa: C416 - dict() takes a Result for a mapping


async def workstations_by_status(session: AsyncSession) -> dict[WorkstationStatus, int]:
    """The number of workstations by status."""
    rows = await session.execute(select(Workstation.status, func.count()).group_by(Workstation.status))
    return {status: count for status, count in rows}  # noqa: C416 - dict() takes a Result for a mapping


async def running_by_health(session: AsyncSession) -> dict[Level, int]:
    """The number of running workstations by how they are."""
    query = select(Workstation.health_level, func.count()).where(Workstation.status == WorkstationStatus.RUNNING)
    found = {level: count for level, count in await session.execute(query.group_by(Workstation.health_level))}  # noqa: C416 - dict() takes a Result for a mapping
    return {level: found.get(level, 0) for level in Level}
