"""A provider that says anything at all: sentences, and nobody is signed in who is not known."""

import json
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.models import Member
from tests.app.openid_provider import OpenIdServer, sign_in
from tests.app.routers.auth.conftest import COOKIE, people
from tests.clients import client_of

pytestmark = pytest.mark.anyio


REFUSED: list[dict[str, Any]] = [
    {"sub": "nul\0"},
    {"sub": 7},
    {"sub": ["1001"]},
    {"sub": {"a": 1}},
    {"sub": ""},
    {"sub": "\ud800"},
    {"sub": "x" * 300},
    {"sub": "email:ada@example.com"},
    {"email": 7},
    {"email": ["grace@example.com"]},
    {"email": "grace@example.com\0"},
    {"email": "grace@example.com\n"},
    {"email": "\ngrace@example.com"},
    {"email": "eve@elsewhere.test\n@example.com"},
    {"email": "eve@elsewhere.test@example.com"},
    {"email": '"eve@elsewhere.test"@example.com'},
    {"email": "grace@\uff45xample.com"},
    {"email": "\u212aarl@example.com"},
    {"email": "gra\u017fe@example.com"},
    {"email": "grace@example.com\u3002"},
    {"email": "grace"},
    {"email": "@example.com"},
    {"email": "x" * 70 + "@example.com"},
    {"email": "\ud800@example.com"},
    {"hd": ["example.com"]},
    {"hd": 7},
    {"hd": "example.com\0"},
    {"email_verified": 1},
    {"email_verified": ["true"]},
    {"iss": 7},
    {"iss": ["http://127.0.0.1"]},
    {"aud": 7},
    {"aud": {"portal": True}},
    {"nonce": 7},
    {"nonce": ["x"]},
    {"exp": "soon"},
    {"exp": -1},
    {"exp": 1e400},
    {"iat": "then"},
    {"iat": {}},
    {"nbf": 10**12},
    {"auth_time": "then"},
]


@pytest.mark.parametrize("claims", REFUSED, ids=ascii)
async def test_claims_that_cannot_be_are_refused_with_a_sentence(
    portal: FastAPI, browser: httpx2.AsyncClient, provider: OpenIdServer, claims: dict[str, Any]
) -> None:
    provider.claims.update(claims)
    refused = await sign_in(browser, provider)

    assert refused.status_code in {400, 403}, refused.text
    assert COOKIE not in browser.cookies
    assert await people(portal) == 0


@pytest.mark.parametrize(
    "claims",
    [
        {"name": "Grace\0Hopper"},
        {"name": 7},
        {"name": None},
        {"name": ""},
        {"name": "\u202egrace"},
        {"name": "\ud800"},
        {"name": ["Grace"]},
        {"name": "x" * 5_000},
        {"name": "Grace\nHopper"},
        {"auth_time": 10**30},
        {"auth_time": -(10**30)},
        {"auth_time": 1e400},
        {"auth_time": {}},
        {"auth_time": True},
        {"more": "x" * 5_000},
        {"email": "Grace@Example.COM"},
    ],
    ids=ascii,
)
async def test_what_only_decorates_a_sign_in_does_not_end_it(
    portal: FastAPI, browser: httpx2.AsyncClient, provider: OpenIdServer, claims: dict[str, Any]
) -> None:
    provider.claims.update(claims)
    back = await sign_in(browser, provider)

    assert back.status_code == 303, back.text
    async with portal.state.portal.database.sessions() as session:
        member = await session.scalar(select(Member))
    assert member.email == "grace@example.com"
    assert member.name.isprintable()
    assert 0 < len(member.name) <= 200


NOT_JSON = [b"", b"<html>", b"[]", b"null", b"7", b'"x"', b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": NaN}']


@pytest.mark.parametrize("answer", NOT_JSON, ids=range(len(NOT_JSON)))
@pytest.mark.parametrize("where", ["openid-configuration", "token", "keys"])
async def test_answers_that_are_no_answers_are_said(
    browser: httpx2.AsyncClient, provider: OpenIdServer, where: str, answer: bytes
) -> None:
    provider.raw[where] = answer
    start = await browser.get("/auth/start")
    back = start if start.status_code != 302 else await browser.get(provider.consent(start.headers["location"]))

    assert back.status_code in {400, 503}, back.text
    assert COOKIE not in browser.cookies


@pytest.mark.parametrize(
    "token",
    [
        {"access_token": "x", "token_type": "Bearer", "id_token": "\0"},
        {"access_token": "x", "token_type": "Bearer", "id_token": "a.b.c"},
        {"access_token": "x", "token_type": "Bearer", "id_token": 7},
        {"access_token": "x", "token_type": "Bearer", "id_token": {"sub": "1001"}},
        {"access_token": 7, "token_type": ["Bearer"], "id_token": "e30.e30."},
        {"access_token": "x", "token_type": "Bearer", "expires_in": "x" * 100},
        {"access_token": "x", "token_type": "Bearer", "expires_in": 1e400},
        {"error": "x\0\r\n", "error_description": {"a": 1}},
        {"error": ["access_denied"]},
        {"error": None},
        {},
    ],
    ids=ascii,
)
async def test_tokens_that_cannot_be_are_said(
    browser: httpx2.AsyncClient, provider: OpenIdServer, token: dict[str, Any]
) -> None:
    provider.raw["token"] = json.dumps(token).encode()
    refused = await sign_in(browser, provider)

    assert refused.status_code in {400, 503}, refused.text
    assert COOKIE not in browser.cookies


@pytest.mark.parametrize(
    "discovered",
    [
        {"authorization_endpoint": None},
        {"authorization_endpoint": 7},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "\0"},
        {"authorization_endpoint": ["http://127.0.0.1"]},
        {"token_endpoint": None},
        {"token_endpoint": 7},
        {"token_endpoint": "file:///etc/passwd"},
        {"token_endpoint": "http://127.0.0.1:9/token"},
        {"token_endpoint": "http://[::1"},
        {"jwks_uri": None},
        {"jwks_uri": 7},
        {"jwks_uri": "http://127.0.0.1:9/keys"},
        {"issuer": ["x"]},
        {"token_endpoint_auth_methods_supported": 7},
        {"id_token_signing_alg_values_supported": {}},
    ],
    ids=ascii,
)
async def test_a_discovery_document_that_cannot_be_is_said(
    browser: httpx2.AsyncClient, provider: OpenIdServer, discovered: dict[str, Any]
) -> None:
    provider.discovered.update(discovered)
    start = await browser.get("/auth/start")
    if start.status_code == 302 and start.headers["location"].startswith(provider.issuer):
        start = await browser.get(provider.consent(start.headers["location"]))

    assert start.status_code in {302, 303, 400, 503}, start.text
    assert not start.headers.get("location", "").startswith(("javascript:", "file:"))


@pytest.mark.parametrize("query", ["", "&code=", "&code=%00", "&code=a&code=b", "&code=" + "x" * 5000, "&error="])
async def test_a_callback_without_a_code_that_can_be_is_a_sentence(
    browser: httpx2.AsyncClient, provider: OpenIdServer, query: str
) -> None:
    start = await browser.get("/auth/start")
    state = dict(httpx2.URL(start.headers["location"]).params)["state"]
    back = await browser.get(f"/auth/callback?state={state}{query}")

    assert back.status_code == 400, back.text
    assert "Sign in again" in back.text


NAMES = ["sub", "email", "email_verified", "hd", "name", "auth_time", "iss", "aud", "nonce", "exp", "iat", "azp"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3)
)


@settings(max_examples=40, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(st.sampled_from(NAMES), JSON))
async def test_whatever_is_claimed_is_an_answer(
    portal: FastAPI, provider: OpenIdServer, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    async with client_of(portal) as browser:
        assert (await sign_in(browser, provider)).status_code in {303, 400, 403}
