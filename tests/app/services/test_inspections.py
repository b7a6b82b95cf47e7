import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app import live
from app.db import Database
from app.live import Hub
from app.services import inspections
from tests.parts import MovingClock

pytestmark = pytest.mark.anyio


async def test_the_newest_is_read_with_its_age(session: AsyncSession, clock: MovingClock) -> None:
    assert await inspections.read(session, "weather") is None
    await inspections.keep(session, "weather", {"sky": "grey"}, clock())
    await inspections.keep(session, "tide", {"sea": "high"}, clock())
    await inspections.keep(session, "weather", {"sky": "blue"}, clock.advance(hours=1))
    kept = await inspections.read(session, "weather")
    assert kept is not None
    assert kept.content == {"sky": "blue"}
    assert kept.age(clock.advance(minutes=5)) == timedelta(minutes=5)


async def test_whoever_looks_is_told(database: Database, clock: MovingClock) -> None:
    hub = Hub(database)
    hub.start()
    with hub.subscribe(live.inspection_topic("weather")) as signals:
        # The hub wakes everybody once it listens.
        await asyncio.wait_for(signals.get(), 10)
        async with database.sessions.begin() as session:
            await inspections.keep(session, "weather", {}, clock())
        assert await asyncio.wait_for(signals.get(), 10) == "inspection:weather"
    await hub.stop()


async def test_many_who_ask_are_one_job_and_their_transaction_goes_on(session: AsyncSession) -> None:
    for _ in range(3):
        await inspections.request(session, "weather")
    await inspections.request(session, "tide")
    jobs = (await session.execute(text("SELECT args ->> 'name' FROM procrastinate_jobs ORDER BY id"))).scalars().all()
    assert jobs == ["weather", "tide"]


async def test_it_is_asked_for_until_it_is_taken_or_its_worker_is_gone(session: AsyncSession) -> None:
    async def becomes(change: str) -> bool:
        await session.execute(text(f"UPDATE procrastinate_jobs SET {change}"))
        return await inspections.is_requested(session, "weather")

    assert not await inspections.is_requested(session, "weather")
    await inspections.request(session, "weather")
    assert await inspections.is_requested(session, "weather")
    assert not await inspections.is_requested(session, "tide")
    await session.execute(text("INSERT INTO procrastinate_workers DEFAULT VALUES"))
    assert await becomes("status = 'doing', worker_id = (SELECT max(id) FROM procrastinate_workers)")
    assert not await becomes("worker_id = NULL")
    assert not await becomes("status = 'failed'")
