"""What becomes of a process that stands still, or whose host is gone, in the middle of a transaction."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app import db
from app.db import Database

pytestmark = pytest.mark.anyio
LOCK = text("SELECT pg_advisory_xact_lock(4711)")


async def test_its_locks_are_released_and_it_learns_that_its_connection_is_lost(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "IDLE_SECONDS", 1)
    frozen = db.connect(database.url)
    async with frozen.sessions() as session:
        await session.execute(LOCK)
        async with database.sessions() as other, asyncio.timeout(20):
            await other.execute(LOCK)
        with pytest.raises(OperationalError):
            await session.execute(text("SELECT 1"))
    async with frozen.sessions() as session:
        assert await session.scalar(text("SELECT 1")) == 1
    await frozen.close()
