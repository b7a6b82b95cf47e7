"""Where a decision was made, as each process says it."""

import asyncio
from contextvars import Context

import httpx2
import psycopg
import pytest
from fastapi import FastAPI
from typer.testing import CliRunner
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app import db, origin
from app.__main__ import cli
from app.config import Settings
from app.db import libpq_url
from app.origin import Origin
from app.worker import main as worker

pytestmark = pytest.mark.anyio
AUDIT = "/api/v1/audit?action=token.make"


def test_a_process_that_has_not_said_where_it_is_decides_nothing() -> None:
    with pytest.raises(LookupError):
        Context().run(origin.current)


def test_a_command_says_that_it_is_one(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    for name in ("encryption_keys", "allowed_domains", "oidc_client_id", "oidc_client_secret", "google_project"):
        value = getattr(settings, name)
        monkeypatch.setenv(f"STATIONMASTER_{name.upper()}", value if isinstance(value, str) else ",".join(value))
    made = Context().run(CliRunner().invoke, cli, ["token", "create", "grace@example.com"])
    assert made.exit_code == 0, made.output
    with psycopg.connect(libpq_url(settings.database_url)) as connection:
        assert connection.execute("SELECT DISTINCT actor, origin FROM audit_entries").fetchall() == [
            ("operator", "command line")
        ]


async def test_a_request_is_over_when_it_is_over_and_two_do_not_mix() -> None:
    async def ask(name: str) -> Origin:
        with origin.bound(name, f"request of {name}"):
            await asyncio.sleep(0)
            return origin.current()

    with origin.bound("before", "none"):
        assert await asyncio.gather(*map(ask, ("a", "b"))) == [Origin("a", "request of a"), Origin("b", "request of b")]
        assert origin.current() == Origin("before", "none")


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
