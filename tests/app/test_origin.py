"""Where a decision was made, as each process says it."""

import asyncio
from contextvars import copy_context

import httpx2
import pytest
from fastapi import FastAPI
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app import db, origin
from app.config import Settings
from app.origin import Origin
from app.worker import main as worker

pytestmark = pytest.mark.anyio
AUDIT = "/api/v1/audit?action=token.make"


def test_without_a_word_it_is_the_command_line() -> None:
    assert copy_context().run(origin.current) == Origin("command line")


async def test_a_request_is_over_when_it_is_over_and_two_do_not_mix() -> None:
    async def ask(name: str) -> Origin:
        with origin.bound(name, f"request of {name}"):
            await asyncio.sleep(0)
            return origin.current()

    assert await asyncio.gather(*map(ask, ("a", "b"))) == [Origin("a", "request of a"), Origin("b", "request of b")]
    assert origin.current() == Origin("command line")


class StopHereError(Exception):
    """The worker has begun."""


async def test_the_worker_says_that_it_is_one(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    places: list[Origin] = []

    def connect(*_: object, **__: object) -> db.Database:
        places.append(origin.current())
        raise StopHereError

    monkeypatch.setattr(db, "connect", connect)
    with pytest.raises(StopHereError):
        await asyncio.create_task(worker.work(settings))

    assert places == [Origin("worker")]


@pytest.mark.parametrize(
    ("trusted", "place"),
    [("127.0.0.1", "203.0.113.7"), ("127.0.0.1,203.0.113.7", "198.51.100.9"), ("10.0.0.1", "127.0.0.1")],
)
async def test_only_a_trusted_proxy_says_who_its_client_is(
    app: FastAPI, ada: httpx2.AsyncClient, trusted: str, place: str
) -> None:
    transport = httpx2.ASGITransport(app=ProxyHeadersMiddleware(app, trusted))  # type: ignore[arg-type]  # uvicorn's own name for the same thing
    async with httpx2.AsyncClient(
        transport=transport,
        base_url="http://portal.test",
        cookies=ada.cookies,
        headers={"X-Forwarded-For": "198.51.100.9, 203.0.113.7"},
    ) as browser:
        await browser.post("/account/tokens", data={"name": "CI"})

    assert [entry["origin"] for entry in (await ada.get(AUDIT)).json()["items"]] == [place]


async def test_a_request_without_an_address_is_from_unknown(app: FastAPI, ada: httpx2.AsyncClient) -> None:
    async def through_a_file(scope, receive, send):  # type: ignore[no-untyped-def]  # three of ASGI's
        await app({**scope, "client": None}, receive, send)

    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=through_a_file), base_url="http://portal.test", cookies=ada.cookies
    ) as browser:
        await browser.post("/account/tokens", data={"name": "CI"})

    assert [entry["origin"] for entry in (await ada.get(AUDIT)).json()["items"]] == ["unknown"]
