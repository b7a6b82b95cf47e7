"""Finding and reading workstations."""

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from app.errors import NotFoundError
from app.models import Member, Workstation, WorkstationStatus


async def list_of(session: AsyncSession, member: Member) -> list[Workstation]:
    """A member's workstations, newest first; of the destroyed ones those whose disk was kept."""
    query = (
        select(Workstation)
        .where(Workstation.owner_id == member.id)
        .where(or_(Workstation.status != WorkstationStatus.DESTROYED, Workstation.disk_kept))
        .order_by(Workstation.created_at.desc(), Workstation.id)
    )
    return list(await session.scalars(query))


async def find(session: AsyncSession, member: Member, workstation_id: str) -> Workstation:
    """One workstation, with its owner; raises NotFoundError for what is neither one's own nor an admin's to see."""
    workstation = await session.get(Workstation, workstation_id, options=[joinedload(Workstation.owner)])
    if workstation is None or not (workstation.owner_id == member.id or member.is_admin):
        raise NotFoundError("workstation")
    return workstation


async def namesake(session: AsyncSession, workstation: Workstation) -> str | None:
    """The id of another workstation that its owner calls the same by now."""
    same = select(Workstation.id).where(
        Workstation.owner_id == workstation.owner_id,
        Workstation.name == workstation.name,
        Workstation.id != workstation.id,
        Workstation.status != WorkstationStatus.DESTROYED,
    )
    return await session.scalar(same)
