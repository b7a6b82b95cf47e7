"""The subject of a stack, for which runs are requested: a workstation or the shared stack."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import SharedStack, Workstation

Subject = Workstation | SharedStack
"""The row that describes a stack to people. It has the stack's ID."""


async def subject(session: AsyncSession, stack_id: str, *, lock: bool = False) -> Subject:
    """The subject of a stack. Raises NoResultFound.

    :param lock: lock it until this transaction ends.
    """
    workstation = await session.get(Workstation, stack_id, with_for_update=lock or None)
    if workstation is not None:
        return workstation
    return await session.get_one(SharedStack, stack_id, with_for_update=lock or None)


async def shared(session: AsyncSession, *, lock: bool = False) -> SharedStack | None:
    """The shared stack; None if its row has not been created yet."""
    query = select(SharedStack)
    return await session.scalar(query.with_for_update() if lock else query)
