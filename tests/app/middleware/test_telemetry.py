"""An error that nobody foresaw is answered, logged and counted like any other request."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx2
import psycopg
import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY

from app.crypto import digest
from app.middleware.telemetry import HEADERS
from tests.clients import client_of
from tests.web_process import WebProcess

pytestmark = pytest.mark.anyio


@pytest.fixture
def broken(app: FastAPI) -> Iterator[FastAPI]:
    """The portal with one of its parts missing."""
    nothing: Any = None
    catalog = app.state.portal.catalog
    app.state.portal = replace(app.state.portal, catalog=nothing)
    yield app
    app.state.portal = replace(app.state.portal, catalog=catalog)


def _counted(route: str) -> float:
    labels = {"method": "GET", "route": route, "status": "500"}
    return REGISTRY.get_sample_value("stationmaster_http_requests_total", labels) or 0


async def test_what_breaks_unexpectedly_is_a_page_with_all_headers_and_is_counted(
    broken: FastAPI, grace: httpx2.AsyncClient
) -> None:
    before = _counted("/workstations/new")
    page = await grace.get("/workstations/new", headers={"X-Request-Id": "from-afar"})

    assert page.status_code == 500
    assert "from-afar" in page.text
    assert "AttributeError" not in page.text
    assert page.headers["x-request-id"] == "from-afar"
    assert page.headers["cache-control"] == "no-store"
    assert {name: page.headers[name] for name in HEADERS} == HEADERS
    assert _counted("/workstations/new") == before + 1


async def test_what_the_database_refuses_unexpectedly_is_a_page_of_whoever_asked(
    database_url: str, grace: httpx2.AsyncClient
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE runs ADD CONSTRAINT broken CHECK (false) NOT VALID")
        page = await grace.post("/workstations", data={"name": "dev-1", "machine_type": "e2-standard-4"})
        connection.execute("ALTER TABLE runs DROP CONSTRAINT broken")

    assert page.status_code == 500
    assert "Something went wrong." in page.text
    assert "grace@example.com" in page.text


async def test_the_api_breaks_in_its_own_shape(broken: FastAPI, grace: httpx2.AsyncClient) -> None:
    answer = await grace.post("/api/v1/workstations", json={"name": "box", "machine_type": "e2-standard-4"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal_error")
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS


def test_the_traceback_is_in_one_line_of_the_log_with_the_requests_id(
    web: WebProcess, database_of_web: psycopg.Connection
) -> None:
    database_of_web.execute("ALTER TABLE api_tokens RENAME TO elsewhere")
    headers = {"Authorization": "Bearer stm_a-token-of-somebody", "X-Request-Id": "from-afar"}
    answer = httpx2.get(f"{web.url}/api/v1/workstations", headers=headers)
    database_of_web.execute("ALTER TABLE elsewhere RENAME TO api_tokens")

    assert answer.status_code == 500
    lines = [json.loads(line) for line in web.log.splitlines()]
    broken = [line for line in lines if line["event"] == "unexpected error"]
    assert [(line["request"], line["path"]) for line in broken] == [("from-afar", "/api/v1/workstations")]
    assert 'relation "api_tokens" does not exist' in broken[0]["exception"]
    assert "a-token-of-somebody" not in web.log
    assert digest("stm_a-token-of-somebody") not in web.log
    assert "Exception in ASGI application" not in web.log


@pytest.mark.parametrize(
    ("public_url", "header"), [("http://portal.test", None), ("https://portal.test", "max-age=31536000")]
)
async def test_browsers_that_came_by_https_are_told_to_stay(app: FastAPI, public_url: str, header: str | None) -> None:
    portal = app.state.portal
    app.state.portal = replace(portal, settings=portal.settings.model_copy(update={"public_url": public_url}))
    async with client_of(app) as browser:
        for path in ("/sign-in", "/nothing", "/api/v1/nothing", "/static/app.css"):
            assert (await browser.get(path)).headers.get("strict-transport-security") == header


def test_a_path_cannot_write_lines_of_the_log(web: WebProcess) -> None:
    with web.connect() as connection:
        connection.sendall(
            b"GET /%0a%1b[2J%c2%9b%e2%80%a8forged HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        )
        while connection.recv(65536):
            pass

    line = next(json.loads(line) for line in web.log.splitlines() if "forged" in line)
    assert line["path"] == r"/\n\x1b[2J\x9b\u2028forged"
