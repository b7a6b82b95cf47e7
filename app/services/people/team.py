"""The team's row: what admins chose for all members."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Team


async def lock(session: AsyncSession) -> Team:
    """The row, created if this is the first choice, and locked until the transaction ends."""
    await session.execute(insert(Team).values(id=Team.ID).on_conflict_do_nothing())
    return await session.get_one(Team, Team.ID, with_for_update=True)
