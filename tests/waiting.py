"""Waiting until another transaction waits."""

import asyncio

from sqlalchemy import text

from app.db import Database

_WAITS = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
PATIENCE_S = 60


async def until_a_transaction_waits(database: Database) -> None:
    """For a lock that another one has."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            # Each time a transaction of its own: in one, PostgreSQL keeps showing what the first look saw.
            async with database.sessions() as session:
                if await session.scalar(_WAITS):
                    return
            await asyncio.sleep(0.01)
