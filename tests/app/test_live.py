"""The live hub goes on, whatever its connection dies of."""

import asyncio

import psycopg
import pytest
from structlog.testing import capture_logs

from app import live
from app.db import Database, libpq_url
from app.live import Hub

pytestmark = pytest.mark.anyio
UNKNOWN_TO_PYTHON = "EUC_TW"
"""An encoding that psycopg cannot speak: what it raises is none of the errors of a lost connection."""


async def speak(database: Database, encoding: str) -> None:
    """What later connections to this database speak, unless they say otherwise."""
    url = f"{libpq_url(database.url)}&client_encoding=utf8"
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(f"ALTER DATABASE {connection.info.dbname} SET client_encoding = {encoding}")


async def test_an_unforeseen_error_does_not_end_live_updates(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "RECONNECT_SECONDS", 0.01)
    hub = Hub(database)
    with capture_logs() as logs, hub.subscribe("topic") as signals:
        await speak(database, UNKNOWN_TO_PYTHON)
        try:
            hub.start()
            async with asyncio.timeout(10):
                while not any(entry["log_level"] == "error" for entry in logs):
                    await asyncio.sleep(0.01)
        finally:
            await speak(database, "utf8")
        assert await asyncio.wait_for(signals.get(), 10) == "topic"
    await hub.stop()


async def test_a_topic_has_changed_since_a_moment_of_this_process_if_it_was_signaled_after_it(
    database: Database,
) -> None:
    hub, other = Hub(database), Hub(database)
    before = hub.moment
    hub._publish("run:1")
    after = hub.moment

    assert hub.has_changed("run:1", before)
    assert not hub.has_changed("run:1", after)
    assert not hub.has_changed("run:2", before)
    for unknown in ("", other.moment, f"{after}9x", f"{after.partition('-')[0]}-", "x" * 9000):
        assert hub.has_changed("run:2", unknown)


async def test_after_a_lost_connection_and_beyond_what_is_remembered_everything_may_have_changed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_TOPICS", 2)
    hub = Hub(database)
    first = hub.moment
    for run in "123":
        hub._publish(f"run:{run}")
    last = hub.moment

    assert hub.has_changed("run:1", first)
    assert not hub.has_changed("run:1", last)
    hub._wake_all()
    assert hub.has_changed("run:1", last)
