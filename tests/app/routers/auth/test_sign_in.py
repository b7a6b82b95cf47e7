"""Signing in and out, and who is refused."""

import httpx2
import pytest
from fastapi import FastAPI

from app.deps import cookie_name
from app.main import create_app
from app.services import audit
from app.services.audit import AuditFilter
from app.services.people import members
from tests.app.openid_provider import OpenIdServer, sign_in
from tests.app.routers.auth.conftest import COOKIE, people, use
from tests.clients import client_of, create_token, signed_in
from tests.parts import MovingClock, make_settings

pytestmark = pytest.mark.anyio


async def test_signing_in_ends_on_the_page_that_was_asked_for(
    browser: httpx2.AsyncClient, provider: OpenIdServer
) -> None:
    asked = await browser.get("/account?x=1")
    assert (asked.status_code, asked.headers["location"]) == (303, "/sign-in?next=/account%3Fx%3D1")
    page = await browser.get(asked.headers["location"])
    assert 'href="/auth/start?next=%2Faccount%3Fx%3D1"' in page.text

    back = await sign_in(browser, provider, next="/account?x=1")
    assert (back.status_code, back.headers["location"]) == (303, "/account?x=1")
    assert "grace@example.com" in (await browser.get("/account")).text


async def test_the_provider_is_asked_with_pkce_nonce_and_our_public_address(
    browser: httpx2.AsyncClient, provider: OpenIdServer
) -> None:
    await sign_in(browser, provider)

    asked = provider.asked[0]
    assert asked["redirect_uri"] == "http://portal.test/auth/callback"
    assert asked["scope"] == "openid email profile"
    assert (asked["hd"], asked["prompt"]) == ("example.com", "select_account")


async def test_the_cookie_is_out_of_scripts_reach_and_new_each_time(
    portal: FastAPI, browser: httpx2.AsyncClient, provider: OpenIdServer
) -> None:
    first = await sign_in(browser, provider)
    cookie = next(line for line in first.headers.get_list("set-cookie") if line.startswith(f"{COOKIE}="))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Max-Age=604800" in cookie
    assert "Secure" not in cookie
    before = browser.cookies[COOKIE]

    await sign_in(browser, provider)
    assert browser.cookies[COOKIE] != before
    async with client_of(portal) as thief:
        thief.cookies.set(COOKIE, before)
        assert (await thief.get("/account")).status_code == 303


async def test_over_https_the_cookies_are_secure(database_url: str, provider: OpenIdServer) -> None:
    settings = make_settings(database_url=database_url, oidc_issuer=provider.issuer, public_url="https://portal.test")
    app = create_app(settings)
    async with client_of(app) as browser:
        start = await browser.get("/auth/start")
        back = await browser.get(provider.consent(start.headers["location"]))
    await app.state.portal.database.close()

    cookies = start.headers.get_list("set-cookie") + back.headers.get_list("set-cookie")
    assert len(cookies) >= 2
    assert all("secure" in cookie.lower() for cookie in cookies)


async def test_two_portals_on_one_host_have_two_cookies() -> None:
    names = [cookie_name(make_settings(public_url=f"http://127.0.0.1:{port}")) for port in (8000, 8001)]

    assert names == ["stationmaster-8000", "stationmaster-8001"]


async def test_signing_out_ends_the_sign_in_itself(
    portal: FastAPI, browser: httpx2.AsyncClient, provider: OpenIdServer
) -> None:
    await sign_in(browser, provider)
    secret = browser.cookies[COOKIE]
    out = await browser.post("/sign-out")
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
    assert COOKIE not in browser.cookies

    browser.cookies.set(COOKIE, secret)
    assert (await browser.get("/account")).headers["location"] == "/sign-in?next=/account"


async def test_eve_is_refused_with_a_page_that_says_why(
    portal: FastAPI, browser: httpx2.AsyncClient, provider: OpenIdServer
) -> None:
    provider.person.update(sub="666", email="eve@elsewhere.test", hd="elsewhere.test")
    refused = await sign_in(browser, provider)

    assert refused.status_code == 403
    assert "eve@elsewhere.test is not allowed to use this portal" in refused.text
    async with portal.state.portal.database.sessions() as session:
        entries = await audit.entries(session, AuditFilter())
    assert [(entry.actor, entry.action, entry.thing_name) for entry in entries] == [
        ("Stationmaster", "sign_in.refuse", "eve@elsewhere.test")
    ]
    assert COOKIE not in browser.cookies
    assert await people(portal) == 0


@pytest.mark.parametrize(
    "changed",
    [{"email": "grace@elsewhere.test", "hd": "elsewhere.test"}, {"hd": None}, {"email_verified": False}],
    ids=str,
)
async def test_a_member_whose_account_is_refused_loses_sign_ins_and_tokens_at_once(
    portal: FastAPI, browser: httpx2.AsyncClient, provider: OpenIdServer, changed: dict[str, object]
) -> None:
    async with client_of(portal) as elsewhere:
        await sign_in(elsewhere, provider, fresh="1")
        token = await create_token(elsewhere)
        headers = {"Authorization": f"Bearer {token}"}
        assert (await browser.get("/api/v1/workstations", headers=headers)).status_code == 200

        before = dict(provider.person)
        provider.person.update(changed)
        assert (await sign_in(browser, provider)).status_code == 403
        assert (await elsewhere.get("/account")).headers["location"] == "/sign-in?next=/account"
        assert (await browser.get("/api/v1/workstations", headers=headers)).status_code == 401

        provider.person.update(before)
        assert (await sign_in(browser, provider)).status_code == 303
        assert (await browser.get("/account")).status_code == 200
        assert (await elsewhere.get("/account")).status_code == 303
        assert (await elsewhere.get("/api/v1/workstations", headers=headers)).status_code == 401
    async with portal.state.portal.database.sessions() as session:
        [refused] = await audit.entries(session, AuditFilter(action="sign_in.refuse"))
    assert (refused.after["sign_ins"], refused.after["tokens"]) == (1, 1)


async def test_a_disabled_member_is_refused_and_is_what_she_was_once_enabled(
    portal: FastAPI, browser: httpx2.AsyncClient, provider: OpenIdServer
) -> None:
    await sign_in(browser, provider)
    parts = portal.state.portal
    for disabled_at, status in ((parts.clock(), 403), (None, 303)):
        async with parts.database.sessions.begin() as session:
            grace = await members.named(session, "grace@example.com")
            grace.disabled_at = disabled_at
        answer = await sign_in(browser, provider)
        assert (answer.status_code, "is disabled" in answer.text) == (status, status == 403)
    async with parts.database.sessions() as session:
        [refused] = await audit.entries(session, AuditFilter(action="sign_in.refuse"))
    assert refused.after == {"why": "The account grace@example.com is disabled."}


@pytest.mark.parametrize("elsewhere", ["https://evil.test/", "//evil.test", "/\\evil.test", "javascript:alert(1)"])
async def test_after_signing_in_nobody_is_sent_elsewhere(
    browser: httpx2.AsyncClient, provider: OpenIdServer, elsewhere: str
) -> None:
    assert (await sign_in(browser, provider, next=elsewhere, fresh="1")).headers["location"] == "/"
    assert (await browser.get("/sign-in", params={"next": elsewhere})).headers["location"] == "/"


async def test_an_expired_sign_in_is_none(app: FastAPI, clock: MovingClock) -> None:
    async with await signed_in(app, "grace") as browser:
        assert (await browser.get("/account")).status_code == 200
        clock.advance(days=7)
        assert (await browser.get("/account")).headers["location"] == "/sign-in?next=/account"


async def test_who_is_no_longer_allowed_is_out_at_once_and_may_choose_another_account(app: FastAPI) -> None:
    async with await signed_in(app, "grace") as browser:
        use(app, make_settings(allowed_domains=("other.test",), first_admin=""))

        assert (await browser.get("/account")).headers["location"] == "/sign-in?next=/account"
        assert (await browser.get("/sign-in")).status_code == 200
