"""While the database is away everything says so, and says when to come back."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest
from fastapi import FastAPI

from app import db
from tests.clients import client_of

pytestmark = pytest.mark.anyio
SAID = "The database is not responding."


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    """Of a portal whose database nobody listens for."""
    away = db.connect("postgresql://portal@127.0.0.1:9/portal")
    app.state.portal = replace(app.state.portal, database=away)
    async with client_of(app, Authorization="Bearer stm_x") as browser:
        yield browser
    await away.close()


@pytest.mark.parametrize("path", ["/", "/workstations/new", "/runs/x", "/ssh_compute_config", "/metrics"])
async def test_pages_and_files_say_that_the_database_is_away(browser: httpx2.AsyncClient, path: str) -> None:
    answer = await browser.get(path)

    assert answer.status_code == 503
    assert SAID in answer.text
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["x-frame-options"] == "DENY"


async def test_the_page_leads_to_the_same_page_again(browser: httpx2.AsyncClient) -> None:
    page = (await browser.get("/workstations/new?zone=europe-west4-b&spot=yes")).text
    links = re.findall(r'href="([^"]+)">\s*<span>Try again', page)
    assert links == ["/workstations/new?zone=europe-west4-b&amp;spot=yes"]


@pytest.mark.parametrize("path", ["/ssh_compute_config", "/metrics"])
async def test_what_programs_read_is_text(browser: httpx2.AsyncClient, path: str) -> None:
    assert (await browser.get(path)).headers["content-type"] == "text/plain; charset=utf-8"


async def test_the_api_says_so_in_its_own_shape(browser: httpx2.AsyncClient) -> None:
    answer = await browser.get("/api/v1/workstations")

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    assert answer.json()["error"]["message"] == SAID
    assert int(answer.headers["retry-after"]) > 0


async def test_it_is_alive_but_not_ready(browser: httpx2.AsyncClient) -> None:
    assert (await browser.get("/healthz")).status_code == 200
    ready = await browser.get("/readyz")
    assert (ready.status_code, ready.json()["database"]) == (503, False)


async def test_an_error_of_ours_is_no_outage(app: FastAPI, grace: httpx2.AsyncClient) -> None:
    elsewhere = db.connect(re.sub(r"/test_\w+\?", "/postgres?", app.state.portal.settings.database_url))
    app.state.portal = replace(app.state.portal, database=elsewhere)
    answer = await grace.get("/")
    await elsewhere.close()

    assert answer.status_code == 500


async def test_a_database_that_hangs_is_away_as_well(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "CONNECT_SECONDS", 1)
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    hanging = db.connect(f"postgresql://portal@127.0.0.1:{port}/portal")
    app.state.portal = replace(app.state.portal, database=hanging)
    async with client_of(app, Authorization="Bearer stm_x") as browser:
        answer = await browser.get("/api/v1/workstations")
        ready = await browser.get("/readyz")
    await hanging.close()
    server.close()

    assert (answer.status_code, answer.json()["error"]["message"]) == (503, SAID)
    assert ready.status_code == 503
