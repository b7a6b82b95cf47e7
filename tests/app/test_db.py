"""What becomes of a process that stands still in the middle of a transaction, and of one whose database is gone."""

import asyncio

import pytest
from procrastinate import PsycopgConnector
from psycopg.conninfo import conninfo_to_dict
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


NOTICED_WITHIN_S = 60


async def options_of_all(database: Database) -> list[dict[str, str]]:
    """What the connections of requests, of live updates and of the queue are made with."""
    engine, listener = db.connect(database.url), await database.listen_connection()
    async with engine.sessions() as session:
        of_engine = (await db.driver_connection(session)).info.get_parameters()
    await engine.close()
    pool = PsycopgConnector(conninfo=db.libpq_url(database.url))
    await pool.open_async()
    async with pool.pool.connection() as connection:
        of_queue = connection.info.get_parameters()
    await pool.close_async()
    of_listener = listener.info.get_parameters()
    await listener.close()
    return [of_engine, of_listener, of_queue]


async def test_a_database_whose_host_is_gone_without_a_word_is_noticed_within_a_minute(database: Database) -> None:
    for options in await options_of_all(database):
        silent, every, times = (int(options[f"keepalives_{name}"]) for name in ("idle", "interval", "count"))
        assert silent + every * times <= NOTICED_WITHIN_S
        assert int(options["tcp_user_timeout"]) / 1000 <= NOTICED_WITHIN_S


@pytest.mark.parametrize(
    ("url", "known"),
    [
        ("postgresql://u:p%40ss@db/portal", "keepalives_idle=20"),
        ("postgres://u@db/portal?", "keepalives_idle=20"),
        ("postgresql://u@db/portal?sslmode=require&keepalives_idle=7", "sslmode=require&keepalives_idle=7"),
    ],
)
def test_whoever_writes_the_url_has_the_last_word(url: str, known: str) -> None:
    options = conninfo_to_dict(db.libpq_url(url))
    assert known in db.sqlalchemy_url(url)
    assert (options["host"], options["keepalives_count"]) == ("db", "3")
    assert db.libpq_url(url).count("keepalives_idle") == 1
