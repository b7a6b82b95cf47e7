"""Signing in at the emulated Google, with the library the portal uses and by hand."""

import base64
import hashlib
import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
import pytest
from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc import jwt
from joserfc.jwk import KeySet

from emulator.openid.accounts import ACCOUNTS
from emulator.openid.authorization import AuthorizationRequest
from emulator.openid.grants import GrantError, Grants
from tests.emulator.world import World
from tests.emulator_process import start_emulator

CALLBACK = "http://127.0.0.1:8000/auth/callback"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
AUTH_TIME = '{"id_token":{"auth_time":{"essential":true}}}'
AUTHORIZE, TOKEN = "/o/oauth2/v2/auth", "/oauth2/token"


@pytest.fixture
def browser(world: World) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=world.emulator.url) as client:
        yield client


def asked(world: World, **changes: str) -> dict[str, str]:
    """What a portal sends to the authorize page."""
    query = {
        "client_id": world.emulator.env["STATIONMASTER_OIDC_CLIENT_ID"],
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid email profile",
        "state": "s1",
        "nonce": "n1",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return {name: value for name, value in {**query, **changes}.items() if value}


def chosen(browser: httpx2.Client, query: dict[str, str], email: str = "grace@example.com") -> dict[str, str]:
    """What the callback gets when a person picks an account on the page."""
    page = browser.get(AUTHORIZE, params=query)
    assert page.status_code == 200, page.text
    fields = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page.text)
    form = {name: html.unescape(value) for name, value in fields}
    answer = browser.post(page.url, data={**form, "account": email})
    assert answer.status_code == 303, answer.text
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


def exchange(world: World, browser: httpx2.Client, code: str, **changes: str) -> httpx2.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        "client_id": world.emulator.env["STATIONMASTER_OIDC_CLIENT_ID"],
        "client_secret": world.emulator.env["STATIONMASTER_OIDC_CLIENT_SECRET"],
    }
    return browser.post(TOKEN, data={name: value for name, value in {**form, **changes}.items() if value})


def claims_of(browser: httpx2.Client, token: str) -> dict[str, Any]:
    keys = KeySet.import_key_set(browser.get("/oauth2/v3/certs").json())
    return dict(jwt.decode(token, keys, algorithms=["RS256"]).claims)


@pytest.mark.anyio
async def test_authlib_signs_a_person_in(world: World, browser: httpx2.Client) -> None:
    found = browser.get("/.well-known/openid-configuration").json()
    assert found["issuer"] == world.emulator.env["STATIONMASTER_OIDC_ISSUER"]
    client = AsyncOAuth2Client(
        client_id=world.emulator.env["STATIONMASTER_OIDC_CLIENT_ID"],
        client_secret=world.emulator.env["STATIONMASTER_OIDC_CLIENT_SECRET"],
        scope="openid email profile",
        redirect_uri=CALLBACK,
        code_challenge_method="S256",
    )
    url, state = client.create_authorization_url(found["authorization_endpoint"], nonce="n2", code_verifier=VERIFIER)
    answer = chosen(browser, dict(parse_qsl(urlsplit(url).query)))
    back = f"{CALLBACK}?{urlencode(answer)}"
    token = await client.fetch_token(
        found["token_endpoint"], authorization_response=back, code_verifier=VERIFIER, state=state
    )
    claims = claims_of(browser, token["id_token"])
    assert (claims["iss"], claims["aud"]) == (found["issuer"], client.client_id)
    assert (claims["email"], claims["email_verified"], claims["hd"]) == ("grace@example.com", True, "example.com")
    assert (claims["name"], claims["nonce"]) == ("Grace Hopper", "n2")
    assert claims["exp"] > claims["iat"]
    person = await client.get(found["userinfo_endpoint"])
    assert person.json()["sub"] == claims["sub"] == ACCOUNTS["grace@example.com"].sub
    await client.aclose()


def test_each_account_has_its_own_lasting_sub_and_domain() -> None:
    subs = [account.sub for account in ACCOUNTS.values()]
    assert len(set(subs)) == len(subs)
    assert all(re.fullmatch(r"1\d{20}", sub) for sub in subs)
    assert ACCOUNTS["eve@elsewhere.test"].domain == "elsewhere.test"


def test_the_page_offers_every_account_and_says_that_it_is_emulated(world: World, browser: httpx2.Client) -> None:
    page = browser.get(AUTHORIZE, params=asked(world))
    assert "Emulated" in page.text
    for account in ACCOUNTS.values():
        assert account.email in page.text
        assert account.name in page.text
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]


def test_what_a_client_sends_cannot_become_markup(world: World, browser: httpx2.Client) -> None:
    page = browser.get(AUTHORIZE, params=asked(world, state='"><script>alert(1)</script>'))
    assert "<script>" not in page.text


def test_state_comes_back_unchanged_and_codes_differ(world: World, browser: httpx2.Client) -> None:
    first, second = (chosen(browser, asked(world, state="a b&c=d")) for _ in range(2))
    assert first["state"] == "a b&c=d"
    assert first["code"] != second["code"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"client_id": "somebody-else"}, 401),
        ({"redirect_uri": "javascript:alert(1)"}, 400),
        ({"redirect_uri": "http://evil.example/callback"}, 400),
        ({"redirect_uri": "https://user@portal.example/callback"}, 400),
        ({"redirect_uri": "https://portal.example/callback#fragment"}, 400),
        ({"redirect_uri": ""}, 400),
        ({"response_type": "token"}, 400),
        ({"scope": "email"}, 400),
        ({"code_challenge_method": "plain"}, 400),
        ({"code_challenge": "short"}, 400),
        ({"state": "x" * 5000}, 400),
    ],
)
def test_a_bad_request_is_shown_and_never_sent_on(
    world: World, browser: httpx2.Client, change: dict[str, str], status: int
) -> None:
    page = browser.get(AUTHORIZE, params=asked(world, **change))
    assert (page.status_code, "location" in page.headers) == (status, False)
    posted = browser.post(AUTHORIZE, data={**asked(world, **change), "account": "ada@example.com"})
    assert (posted.status_code, "location" in posted.headers) == (status, False)


def test_nobody_signs_in_silently_or_as_a_stranger(world: World, browser: httpx2.Client) -> None:
    silent = browser.get(AUTHORIZE, params=asked(world, prompt="none"))
    assert dict(parse_qsl(urlsplit(silent.headers["location"]).query))["error"] == "interaction_required"
    stranger = browser.post(AUTHORIZE, data={**asked(world), "account": "mallory@example.com"})
    assert stranger.status_code == 400


def test_a_code_works_once_even_when_the_first_try_was_wrong(world: World, browser: httpx2.Client) -> None:
    code = chosen(browser, asked(world))["code"]
    assert exchange(world, browser, code).status_code == 200
    assert exchange(world, browser, code).json()["error"] == "invalid_grant"
    code = chosen(browser, asked(world))["code"]
    assert exchange(world, browser, code, code_verifier="wrong" * 10).json()["error"] == "invalid_grant"
    assert exchange(world, browser, code).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"code_verifier": ""}, 400, "invalid_grant"),
        ({"redirect_uri": CALLBACK + "/"}, 400, "invalid_grant"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "somebody-else"}, 401, "invalid_client"),
        ({"client_secret": ""}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
def test_the_token_endpoint_refuses(
    world: World, browser: httpx2.Client, change: dict[str, str], status: int, error: str
) -> None:
    code = chosen(browser, asked(world))["code"]
    answer = exchange(world, browser, code, **change)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_the_client_may_authenticate_with_basic(world: World, browser: httpx2.Client) -> None:
    environment = world.emulator.env
    client = (environment["STATIONMASTER_OIDC_CLIENT_ID"], environment["STATIONMASTER_OIDC_CLIENT_SECRET"])
    code = chosen(browser, asked(world))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    assert browser.post(TOKEN, data=form, auth=client).status_code == 200
    assert browser.post(TOKEN, data=form, auth=(client[0], "wrong")).status_code == 401


@pytest.mark.parametrize("spec", [{}, {"max_age": "0"}, {"claims": AUTH_TIME}])
def test_no_sign_in_is_dated_while_session_age_claims_are_off(
    world: World, browser: httpx2.Client, spec: dict[str, str]
) -> None:
    code = chosen(browser, asked(world, **spec))["code"]
    assert "auth_time" not in claims_of(browser, exchange(world, browser, code).json()["id_token"])


def test_with_session_age_claims_a_sign_in_is_dated_where_that_is_asked_for(tmp_path: Path) -> None:
    emulator = start_emulator(tmp_path, EMULATOR_SESSION_AGE_CLAIMS="1")
    try:
        world = World(emulator)
        with httpx2.Client(base_url=emulator.url) as browser:
            for spec in ({"claims": AUTH_TIME}, {"claims": "{"}, {}):
                code = chosen(browser, asked(world, **spec))["code"]
                claims = claims_of(browser, exchange(world, browser, code).json()["id_token"])
                assert ("auth_time" in claims) is (spec.get("claims") == AUTH_TIME)
    finally:
        emulator.stop()


def test_a_prompt_that_google_does_not_have_is_refused(world: World, browser: httpx2.Client) -> None:
    refused = browser.get(AUTHORIZE, params=asked(world, prompt="login"))
    assert refused.status_code == 400
    assert "prompt" in refused.text


def test_userinfo_wants_a_token_it_gave(browser: httpx2.Client) -> None:
    for headers in ({}, {"Authorization": "Bearer ya29.made-up"}):
        assert browser.get("/v1/userinfo", headers=headers).status_code == 401


def test_codes_and_tokens_run_out() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    request = AuthorizationRequest(CALLBACK, "openid", "", "", CHALLENGE, wants_auth_time=False)
    account = ACCOUNTS["ada@example.com"]
    grants = Grants(lambda: now)
    code, token = grants.issue_code(request, account), ""
    late = grants.issue_code(request, account)
    token = grants.issue_token(grants.redeem(code, CALLBACK, VERIFIER))
    assert grants.account_of(token) == account
    now += timedelta(minutes=3)
    with pytest.raises(GrantError):
        grants.redeem(late, CALLBACK, VERIFIER)
    now += timedelta(hours=1)
    assert grants.account_of(token) is None


def test_a_verifier_without_a_challenge_is_a_downgrade() -> None:
    grants = Grants(lambda: datetime(2026, 1, 1, tzinfo=UTC))
    request = AuthorizationRequest(CALLBACK, "openid", "", "", "", wants_auth_time=False)
    code = grants.issue_code(request, ACCOUNTS["ada@example.com"])
    with pytest.raises(GrantError):
        grants.redeem(code, CALLBACK, VERIFIER)
