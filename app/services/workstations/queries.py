"""Queries for workstations."""

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from app.errors import NotFoundError
from app.infra.machine_tokens import MachineIdentity
from app.models import Member, Workstation, WorkstationStatus

_NEWEST_FIRST = (Workstation.created_at.desc(), Workstation.id)


async def list_of(session: AsyncSession, member: Member) -> list[Workstation]:
    """A member's workstations, newest first. Deleted ones are included if their disk was kept."""
    return list(await session.scalars(_of(member).order_by(*_NEWEST_FIRST)))


def _of(member: Member) -> Select[Workstation]:
    is_listed = or_(Workstation.status != WorkstationStatus.DESTROYED, Workstation.disk_kept)
    return select(Workstation).where(Workstation.owner_id == member.id, is_listed)


async def find(session: AsyncSession, member: Member, workstation_id: str) -> Workstation:
    """One workstation, with its owner. Raises NotFoundError unless it is the member's own or they are an admin."""
    workstation = await session.get(Workstation, workstation_id, options=[joinedload(Workstation.owner)])
    if workstation is None or not (workstation.owner_id == member.id or member.is_admin):
        raise NotFoundError("workstation")
    return workstation


async def of_machine(session: AsyncSession, machine: MachineIdentity) -> Workstation:
    """The workstation that has this machine now, locked. Raises NotFoundError if there is none.

    One that was deleted does not count, though its successor has its name.
    """
    query = select(Workstation).where(Workstation.google_id == machine.instance_id)
    exists = Workstation.status != WorkstationStatus.DESTROYED
    workstation = await session.scalar(query.where(exists).with_for_update())
    if workstation is None or (workstation.zone, workstation.resource_name) != (machine.zone, machine.name):
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
