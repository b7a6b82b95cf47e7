"""Guesses are bounded by address; whoever is known passes, whatever others at the same address do."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import httpx2
import pytest
from fastapi import FastAPI

from app.deps import cookie_name
from app.failed_sign_ins import FailedSignIns
from app.services.people import api_tokens, members
from tests.app.openid_provider import OpenIdServer, openid_server, sign_in
from tests.app.routers.auth.conftest import use
from tests.database import fresh_database
from tests.parts import MovingClock, identity, make_settings
from tests.web_process import web_process

pytestmark = pytest.mark.anyio
LIMIT = 3
API = "/api/v1/workstations"
GUESS = {"Authorization": "Bearer stm_a-guess"}


@pytest.fixture
def provider() -> Iterator[OpenIdServer]:
    with openid_server() as provider:
        yield provider


@pytest.fixture
def portal(app: FastAPI, provider: OpenIdServer, clock: MovingClock, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    # The library asks the system's clock.
    monkeypatch.setattr("limits.aio.storage.memory.time", SimpleNamespace(time=lambda: clock().timestamp()))
    settings = make_settings(oidc_issuer=provider.issuer, failed_sign_in_limit=LIMIT, failed_sign_in_seconds=60)
    use(app, settings)
    app.state.portal = replace(app.state.portal, failed_sign_ins=FailedSignIns(settings, clock))
    return app


def _from(portal: FastAPI, address: str) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=portal, client=(address, 40_000))
    return httpx2.AsyncClient(transport=transport, base_url="http://portal.test")


@pytest.fixture
async def browser(portal: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    async with _from(portal, "192.0.2.1") as browser:
        yield browser


async def _statuses(portal: FastAPI, address: str, times: int = 1) -> list[int]:
    async with _from(portal, address) as client:
        return [(await client.get(API, headers=GUESS)).status_code for _ in range(times)]


async def test_too_many_guesses_of_tokens_are_told_when_to_come_again(
    portal: FastAPI, browser: httpx2.AsyncClient, clock: MovingClock
) -> None:
    assert await _statuses(portal, "192.0.2.1", LIMIT + 1) == [401] * LIMIT + [429]
    clock.advance(seconds=20)
    refused = await browser.get(API, headers=GUESS)

    assert (refused.status_code, refused.headers["retry-after"]) == (429, "40")
    assert refused.json()["error"] == {
        "code": "too_many",
        "message": "Too many sign-ins or tokens from your address failed.",
        "hint": "Wait a moment, then try again.",
    }
    assert "www-authenticate" not in refused.headers
    assert refused.headers["x-frame-options"] == "DENY"
    clock.advance(seconds=41)
    assert await _statuses(portal, "192.0.2.1") == [401]


async def test_too_many_failed_sign_ins_are_a_page(portal: FastAPI, browser: httpx2.AsyncClient) -> None:
    failed = [(await browser.get("/auth/callback?code=x&state=guess")).status_code for _ in range(LIMIT)]
    refused = await browser.get("/auth/callback?code=x&state=guess")

    assert failed == [400] * LIMIT
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) == 60
    assert refused.headers["content-type"].startswith("text/html")
    assert "Too many sign-ins or tokens from your address failed." in refused.text


async def test_refused_people_count_as_well(
    portal: FastAPI, browser: httpx2.AsyncClient, provider: OpenIdServer
) -> None:
    provider.person.update(sub="6666", email="eve@elsewhere.test", hd="elsewhere.test")
    answers = [(await sign_in(browser, provider)).status_code for _ in range(LIMIT + 1)]

    assert answers == [403] * LIMIT + [429]


async def test_honest_users_of_the_same_address_are_not_locked_out(
    portal: FastAPI, browser: httpx2.AsyncClient, provider: OpenIdServer
) -> None:
    parts = portal.state.portal
    async with parts.database.sessions.begin() as session:
        member = await members.sign_in(parts.context(session), identity("linus"))
        token = (await api_tokens.create(parts.context(session, member), "honest")).plain
    assert (await _statuses(portal, "192.0.2.1", LIMIT + 1))[-1] == 429

    headers = {"Authorization": f"Bearer {token}"}
    assert (await browser.get(API, headers=headers)).status_code == 200
    # What a token may not do is no guess.
    assert (await browser.post("/account/tokens", headers=headers, data={"name": "x"})).status_code == 401
    assert (await browser.get("/account")).status_code == 303
    assert (await sign_in(browser, provider)).status_code == 303
    assert cookie_name(parts.settings) in browser.cookies
    assert (await browser.get(API)).status_code == 200


@pytest.mark.parametrize(
    ("other", "status"),
    [
        *(("192.0.2.2", 401), ("2001:db8:0:1::1", 401), ("::ffff:192.0.2.1", 429)),
        *(("2001:db8::ffff:1", 429), ("2001:db8::1%eth0", 429)),
    ],
)
async def test_addresses_count_apart_and_those_of_one_network_together(
    portal: FastAPI, other: str, status: int
) -> None:
    await _statuses(portal, "192.0.2.1", LIMIT)
    await _statuses(portal, "2001:db8::1", LIMIT)

    assert await _statuses(portal, other) == [status]


@pytest.mark.parametrize(("trusted", "last"), [("127.0.0.1", 401), ("192.0.2.250", 429)])
def test_only_a_trusted_proxy_says_who_asks(tmp_path: Path, trusted: str, last: int) -> None:
    with (
        fresh_database() as url,
        web_process(tmp_path, url, trusted_proxies=trusted, failed_sign_in_limit=str(LIMIT)) as web,
    ):
        statuses = [
            httpx2.get(web.url + API, headers={**GUESS, "X-Forwarded-For": f"192.0.2.{number}"}).status_code
            for number in range(LIMIT + 1)
        ]

    assert statuses == [401] * LIMIT + [last]
