"""What goes on when the database is away for a moment: the sweep of run folders."""

import asyncio

import psycopg
import pytest

from app.db import libpq_url
from app.worker import sweep
from app.worker.claim import Tools
from app.worker.sweep import Sweep

pytestmark = pytest.mark.anyio
WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


async def terminate_who_waits(url: str) -> None:
    """As soon as somebody waits for a lock in this database."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection, asyncio.timeout(10):
        while not (row := await (await connection.execute(WAITING)).fetchone()):
            await asyncio.sleep(0.01)
        await connection.execute("SELECT pg_terminate_backend(%s)", row)


async def test_a_connection_lost_in_mid_sweep_is_no_end_of_sweeping(
    tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "SWEEP_SECONDS", 0.01)
    left_over = tools.settings.data_dir / "worker" / "runs" / "ended"
    left_over.mkdir(parents=True)
    url = libpq_url(tools.database.url)
    async with await psycopg.AsyncConnection.connect(url) as locking:
        await locking.execute("LOCK TABLE runs IN ACCESS EXCLUSIVE MODE")
        sweeps = asyncio.create_task(Sweep(tools, set).sweep_for_ever())
        await terminate_who_waits(url)
        await locking.rollback()
        async with asyncio.timeout(10):
            while left_over.exists() and not sweeps.done():
                await asyncio.sleep(0.01)
    assert not sweeps.done(), sweeps.result()
    sweeps.cancel()
