"""Whose a stack is: what runs are asked for, begun and ended for is its subject."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import SharedStack, Workstation

Subject = Workstation | SharedStack
"""The row that says what a stack is to people; it has the stack's id."""


async def subject(session: AsyncSession, stack_id: str, *, lock: bool = False) -> Subject:
    """The subject of a stack; locked, nobody changes it before our transaction ends. Raises NoResultFound."""
    workstation = await session.get(Workstation, stack_id, with_for_update=lock or None)
    if workstation is not None:
        return workstation
    return await session.get_one(SharedStack, stack_id, with_for_update=lock or None)


async def shared(session: AsyncSession, *, lock: bool = False) -> SharedStack | None:
    """The shared stack; None in a portal where nobody has looked at it yet."""
    query = select(SharedStack)
    return await session.scalar(query.with_for_update() if lock else query)
