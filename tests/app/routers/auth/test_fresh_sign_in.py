"""Sign-ins that count as fresh, and for how long."""

import httpx2
import pytest
from fastapi import FastAPI

from tests.app.openid_provider import OpenIdServer, sign_in
from tests.app.routers.auth.conftest import use
from tests.clients import create_token
from tests.parts import MovingClock, make_settings

pytestmark = pytest.mark.anyio


async def test_a_sign_in_that_is_no_longer_fresh_is_asked_for_again(
    browser: httpx2.AsyncClient, provider: OpenIdServer, clock: MovingClock
) -> None:
    await sign_in(browser, provider)
    clock.advance(minutes=11)
    page = await browser.get("/sign-in?next=/ssh-keys")
    assert page.status_code == 200
    assert 'href="/auth/start?next=%2Fssh-keys&amp;fresh=1"' in page.text

    back = await sign_in(browser, provider, next="/ssh-keys", fresh="1")
    assert provider.asked[-1]["prompt"] == "select_account"
    assert back.headers["location"] == "/ssh-keys"
    assert (await browser.get("/sign-in?next=/ssh-keys")).headers["location"] == "/ssh-keys"


async def test_a_plain_sign_in_is_none_that_was_asked_for_as_fresh(
    browser: httpx2.AsyncClient, provider: OpenIdServer
) -> None:
    await sign_in(browser, provider, next="/ssh-keys")
    refused = await browser.post("/account/tokens", data={"name": "CI"})
    assert refused.headers["location"] == "/sign-in?next=/account%23tokens"
    assert "sign-in from the last ten minutes" in (await browser.get(refused.headers["location"])).text

    await sign_in(browser, provider, fresh="1")
    assert await create_token(browser)


async def test_a_fresh_sign_in_counts_from_when_it_was_asked_for(
    browser: httpx2.AsyncClient, provider: OpenIdServer, clock: MovingClock
) -> None:
    start = await browser.get("/auth/start", params={"fresh": "1"})
    clock.advance(minutes=11)
    assert (await browser.get(provider.consent(start.headers["location"]))).status_code == 303

    assert (await browser.post("/account/tokens", data={"name": "CI"})).status_code == 303


@pytest.mark.parametrize(("ago", "status"), [(None, 400), (3600, 400), (600, 400), (60, 303)])
async def test_where_the_provider_proves_the_time_the_proof_is_demanded(
    portal: FastAPI,
    browser: httpx2.AsyncClient,
    provider: OpenIdServer,
    clock: MovingClock,
    ago: int | None,
    status: int,
) -> None:
    use(portal, make_settings(oidc_issuer=provider.issuer, oidc_proves_time=True))
    provider.claims["auth_time"] = ago and int(clock().timestamp()) - ago

    assert (await sign_in(browser, provider, fresh="1")).status_code == status
    assert provider.asked[-1]["claims"] == '{"id_token":{"auth_time":{"essential":true}}}'
    assert (await sign_in(browser, provider)).status_code == 303
