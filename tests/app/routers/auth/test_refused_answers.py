"""Answers of the provider that sign nobody in."""

import httpx2
import pytest
from fastapi import FastAPI

from tests.app.openid_provider import OpenIdServer, sign_in
from tests.app.routers.auth.conftest import COOKIE, people
from tests.clients import client_of

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "lie",
    [
        {"iss": "http://127.0.0.1:1"},
        {"iss": None},
        {"aud": "somebody-else"},
        {"aud": "somebody-else", "azp": "portal"},
        {"aud": None},
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"exp": 1_000_000_000},
        {"sub": None},
        {"email": None},
    ],
    ids=str,
)
async def test_a_token_that_is_not_for_this_sign_in_is_refused(
    portal: FastAPI, browser: httpx2.AsyncClient, provider: OpenIdServer, lie: dict[str, object]
) -> None:
    provider.claims.update(lie)
    refused = await sign_in(browser, provider)

    assert refused.status_code == 400
    assert "Google&#39;s response" in refused.text
    assert COOKIE not in browser.cookies
    assert await people(portal) == 0


@pytest.mark.parametrize("claim", [{"email_verified": False}, {"email_verified": "true"}, {"email_verified": None}])
async def test_an_address_that_is_not_verified_is_refused(
    browser: httpx2.AsyncClient, provider: OpenIdServer, claim: dict[str, object]
) -> None:
    provider.claims.update(claim)
    refused = await sign_in(browser, provider)

    assert refused.status_code == 403
    assert "has not verified" in refused.text


@pytest.mark.parametrize("claim", [{"hd": None}, {"hd": "elsewhere.test"}])
async def test_an_account_that_the_domain_does_not_manage_is_refused(
    browser: httpx2.AsyncClient, provider: OpenIdServer, claim: dict[str, object]
) -> None:
    provider.claims.update(claim)

    assert (await sign_in(browser, provider)).status_code == 403


async def test_a_forged_signature_is_refused(browser: httpx2.AsyncClient, provider: OpenIdServer) -> None:
    provider.forged = True

    assert (await sign_in(browser, provider)).status_code == 400


async def test_an_unsigned_token_is_refused_whatever_the_provider_says_it_supports(
    browser: httpx2.AsyncClient, provider: OpenIdServer
) -> None:
    provider.algorithm = "none"

    assert (await sign_in(browser, provider)).status_code == 400


async def test_an_answer_without_an_id_token_is_refused(browser: httpx2.AsyncClient, provider: OpenIdServer) -> None:
    provider.without_id_token = True

    assert (await sign_in(browser, provider)).status_code == 400


async def test_a_callback_that_this_browser_did_not_begin_is_refused(
    portal: FastAPI, browser: httpx2.AsyncClient, provider: OpenIdServer
) -> None:
    start = await browser.get("/auth/start")
    callback = provider.consent(start.headers["location"])
    async with client_of(portal) as victim:
        refused = await victim.get(callback)
        assert refused.status_code == 400
        assert "another tab" in refused.text
        assert COOKIE not in victim.cookies


async def test_a_callback_works_once(browser: httpx2.AsyncClient, provider: OpenIdServer) -> None:
    start = await browser.get("/auth/start")
    callback = provider.consent(start.headers["location"])

    assert (await browser.get(callback)).status_code == 303
    assert (await browser.get(callback)).status_code == 400


async def test_a_sign_in_canceled_at_the_provider_is_said(browser: httpx2.AsyncClient) -> None:
    await browser.get("/auth/start")
    page = await browser.get("/auth/callback?error=access_denied&state=x")

    assert page.status_code == 400
    assert "canceled at Google" in page.text


@pytest.mark.parametrize("query", ["", "?code=x", "?state=x", "?code=%00&state=%00", "?error=<script>"])
async def test_a_callback_out_of_nowhere_is_a_page(browser: httpx2.AsyncClient, query: str) -> None:
    page = await browser.get(f"/auth/callback{query}")

    assert page.status_code == 400
    assert "<script>" not in page.text.partition("<main")[2]


async def test_a_provider_that_does_not_answer_is_said_and_tried_anew_the_next_time(
    browser: httpx2.AsyncClient, provider: OpenIdServer
) -> None:
    provider.discovery_status = 500
    page = await browser.get("/auth/start")
    assert page.status_code == 503
    assert "is not responding" in page.text

    provider.discovery_status = 200
    assert (await sign_in(browser, provider)).status_code == 303
