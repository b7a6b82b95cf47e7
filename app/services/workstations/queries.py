"""Queries for workstations."""

from sqlalchemy import Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from app.errors import NotFoundError
from app.models import Member, Workstation, WorkstationStatus
from app.services.workstations import specs

_NEWEST_FIRST = (Workstation.created_at.desc(), Workstation.id)


async def list_of(session: AsyncSession, member: Member) -> list[Workstation]:
    """A member's workstations, newest first. Deleted ones are included if their disk was kept."""
    return list(await session.scalars(_of(member).order_by(*_NEWEST_FIRST)))


async def page_of(
    session: AsyncSession,
    member: Member,
    *,
    status: WorkstationStatus | None = None,
    name: str | None = None,
    limit: int,
    offset: int,
) -> tuple[list[Workstation], int]:
    """A page of a member's workstations with this status and name, and how many there are in total."""
    # No workstation has an invalid name. Postgres would refuse a NUL, for example.
    if name is not None and not specs.NAME.fullmatch(name):
        return [], 0
    query = _of(member)
    if status is not None:
        query = query.where(Workstation.status == status)
    if name is not None:
        query = query.where(Workstation.name == name)
    total = await session.scalar(select(func.count()).select_from(query.subquery())) or 0
    page = await session.scalars(query.order_by(*_NEWEST_FIRST).limit(limit).offset(offset))
    return list(page), total


def _of(member: Member) -> Select[Workstation]:
    is_listed = or_(Workstation.status != WorkstationStatus.DESTROYED, Workstation.disk_kept)
    return select(Workstation).where(Workstation.owner_id == member.id, is_listed)


async def find(session: AsyncSession, member: Member, workstation_id: str) -> Workstation:
    """One workstation, with its owner. Raises NotFoundError unless it is the member's own or they are an admin."""
    workstation = await session.get(Workstation, workstation_id, options=[joinedload(Workstation.owner)])
    if workstation is None or not (workstation.owner_id == member.id or member.is_admin):
        raise NotFoundError("workstation")
    return workstation


async def named(session: AsyncSession, owner: Member, name: str) -> Workstation | None:
    """The owner's workstation with this name, if there is one."""
    query = select(Workstation).where(Workstation.owner_id == owner.id, Workstation.name == name)
    return await session.scalar(query.where(Workstation.status != WorkstationStatus.DESTROYED))


async def namesake(session: AsyncSession, workstation: Workstation) -> str | None:
    """The ID of another workstation of the same owner that has the same name now."""
    same = select(Workstation.id).where(
        Workstation.owner_id == workstation.owner_id,
        Workstation.name == workstation.name,
        Workstation.id != workstation.id,
        Workstation.status != WorkstationStatus.DESTROYED,
    )
    return await session.scalar(same)
