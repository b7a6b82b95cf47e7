"""How many streams may be open at once."""

from collections.abc import AsyncIterator
from contextlib import ExitStack

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import select, text

from app import db, live
from app.models import Member
from app.routers import streams
from tests.app.routers.play import create, make_run, run_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def stream(app: FastAPI, grace: httpx2.AsyncClient) -> str:
    """A stream of Grace's that ends by itself."""
    run_id = await run_of(grace, await create(grace))
    await make_run(app, run_id)
    return f"/runs/{run_id}/events"


@pytest.fixture
async def grace_id(app: FastAPI, grace: httpx2.AsyncClient) -> str:
    async with app.state.portal.database.sessions() as session:
        return str(await session.scalar(select(Member.id).where(Member.email == "grace@example.com")))


@pytest.mark.parametrize("in_all", [False, True])
async def test_a_stream_too_many_is_refused_until_another_ends(
    app: FastAPI,
    grace: httpx2.AsyncClient,
    grace_id: str,
    stream: str,
    in_all: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "MOST_STREAMS" if in_all else "MOST_STREAMS_A_MEMBER", 3)
    with ExitStack() as others:
        for _ in range(3):
            others.enter_context(app.state.portal.hub.open_stream("somebody else" if in_all else grace_id))
        refused = await grace.get(stream)

    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert (await grace.get(stream)).status_code == 200


async def test_a_member_with_many_streams_takes_nobody_elses(
    app: FastAPI, grace: httpx2.AsyncClient, stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_STREAMS_A_MEMBER", 3)
    with ExitStack() as others:
        for _ in range(3):
            others.enter_context(app.state.portal.hub.open_stream("somebody else"))
        assert (await grace.get(stream)).status_code == 200


async def test_a_stream_that_has_ended_is_not_counted(
    grace: httpx2.AsyncClient, stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_STREAMS_A_MEMBER", 1)

    assert [(await grace.get(stream)).status_code for _ in range(3)] == [200, 200, 200]


async def test_a_stream_ends_when_the_database_goes_away() -> None:
    away = db.connect("postgresql://portal@127.0.0.1:9/portal")

    async def events() -> AsyncIterator[bytes]:
        yield streams.CHANGED
        async with away.sessions() as session:
            await session.execute(text("SELECT 1"))

    assert [event async for event in streams.event_stream(events()).body_iterator] == [streams.CHANGED]
    await away.close()
