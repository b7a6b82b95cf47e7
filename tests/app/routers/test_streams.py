"""How many streams may be open at once, and what ends one."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import replace

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import select, text

from app import db, live
from app.db import Database
from app.live import Hub, Signals
from app.models import Member, Role
from app.routers import streams
from app.services.people import members, refusals, roles
from tests.clients import client_of, create, create_token, run_of
from tests.parts import MovingClock, identity
from tests.stage import Stage

pytestmark = pytest.mark.anyio


@pytest.fixture
async def stream(stage: Stage, grace: httpx2.AsyncClient) -> str:
    """A stream of Grace's that ends by itself."""
    run_id = await run_of(grace, await create(grace))
    await stage.carry_out(run_id)
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


class WatchedHub(Hub):
    """Says when a stream has been opened."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.opened = asyncio.Event()

    @contextmanager
    def subscribe(self, *topics: str) -> Iterator[Signals]:
        with super().subscribe(*topics) as signals:
            self.opened.set()
            yield signals


@asynccontextmanager
async def opened(app: FastAPI, client: httpx2.AsyncClient, path: str = "/events") -> AsyncIterator[None]:
    """A stream is open while the block runs, which has to end it."""
    hub = WatchedHub(app.state.portal.database)
    app.state.portal = replace(app.state.portal, hub=hub)
    hub.start()
    try:
        stream = asyncio.create_task(client.get(path))
        await asyncio.wait_for(hub.opened.wait(), 10)
        yield
        answer = await asyncio.wait_for(stream, 10)
    finally:
        await hub.stop()
    assert answer.status_code == 200


async def sign_out(_app: FastAPI, grace: httpx2.AsyncClient) -> None:
    await grace.post("/sign-out")


async def end_by_the_list(_app: FastAPI, grace: httpx2.AsyncClient) -> None:
    path = re.search(r"/account/sign-ins/[a-z0-9]+/revoke", (await grace.get("/account")).text)
    assert path
    await grace.post(path[0])


async def be_refused(app: FastAPI, _grace: httpx2.AsyncClient) -> None:
    async with app.state.portal.database.sessions.begin() as session:
        await refusals.refuse(app.state.portal.context(session), identity("grace"), "not of the team")


async def lose_the_address(app: FastAPI, _grace: httpx2.AsyncClient) -> None:
    async with app.state.portal.database.sessions.begin() as session:
        successor = replace(identity("grace"), sub="another")
        await members.sign_in(app.state.portal.context(session), successor)


End = Callable[[FastAPI, httpx2.AsyncClient], Awaitable[None]]


async def test_an_admins_stream_ends_when_the_role_is_taken_away(
    app: FastAPI, stage: Stage, ada: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "PING_SECONDS", 600)
    async with stage.acting("ada") as ctx:
        await roles.set_role(ctx, "linus@example.com", Role.ADMIN)
        ada_id = ctx.member.id
    async with opened(app, ada, "/admin/shared-stack/events"), stage.acting("linus") as ctx:
        await roles.change_role(ctx, await members.find(ctx.session, ada_id), Role.MEMBER)


@pytest.mark.parametrize("end", [sign_out, end_by_the_list, be_refused, lose_the_address])
async def test_a_stream_ends_when_its_sign_in_does(
    app: FastAPI, grace: httpx2.AsyncClient, end: End, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "PING_SECONDS", 600)
    async with opened(app, grace):
        await end(app, grace)


async def test_a_stream_of_a_run_ends_when_its_sign_in_does(
    app: FastAPI, grace: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "PING_SECONDS", 600)
    run_id = await run_of(grace, await create(grace))
    async with opened(app, grace, f"/runs/{run_id}/events"):
        await sign_out(app, grace)


async def test_a_stream_ends_when_its_token_does(
    app: FastAPI, grace: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "PING_SECONDS", 600)
    plain = await create_token(grace)
    path = re.search(r"/account/tokens/[a-z0-9]+/revoke", (await grace.get("/account")).text)
    assert path
    async with client_of(app, Authorization=f"Bearer {plain}") as script, opened(app, script):
        await grace.post(path[0])


async def test_a_stream_ends_when_its_sign_in_expires(
    app: FastAPI, grace: httpx2.AsyncClient, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "PING_SECONDS", 0.05)
    async with opened(app, grace):
        clock.advance(days=7)
