"""The jobs of a worker go on whatever becomes of its connections."""

import asyncio

import pytest
from sqlalchemy import text

from app.services import inspections
from app.services.catalog import availability
from app.worker import jobs
from app.worker.claim import Tools

pytestmark = pytest.mark.anyio


async def cut_connections(tools: Tools) -> None:
    async with tools.database.sessions.begin() as session:
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        await session.execute(text(f"SELECT pg_terminate_backend(pid) {others}"))


async def is_taken(tools: Tools) -> bool:
    async with tools.database.sessions() as session:
        return not await session.scalar(text("SELECT count(*) FROM procrastinate_jobs"))


async def test_what_is_asked_for_after_the_database_cut_all_connections_is_done(tools: Tools) -> None:
    async with jobs.of_worker(tools).open_async() as queue:
        running = asyncio.create_task(jobs.run_for_ever(queue, tools.database))
        for _ in range(2):
            async with tools.database.sessions.begin() as session:
                await inspections.request(session, availability.INSPECTION)
            async with asyncio.timeout(30):
                while not await is_taken(tools):
                    assert not running.done()
                    await asyncio.sleep(0.05)
            await cut_connections(tools)
        running.cancel()
        await asyncio.wait({running})
