"""Signing in with the accounts of the emulated Google, as a browser does it."""

import html
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import httpx2
import pytest
from fastapi import FastAPI

from app.infra.oidc import OpenIdProvider
from tests.clients import client_of
from tests.emulator_process import EmulatorProcess, start_emulator
from tests.parts import make_settings

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("emulated-sign-in")]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    emulator = start_emulator(tmp_path_factory.mktemp("cloud"))
    yield emulator
    emulator.stop()


@pytest.fixture
async def browser(app: FastAPI, emulator: EmulatorProcess) -> AsyncIterator[httpx2.AsyncClient]:
    settings = make_settings(
        public_url="http://127.0.0.1:8000",
        oidc_issuer=emulator.env["STATIONMASTER_OIDC_ISSUER"],
        oidc_client_id=emulator.env["STATIONMASTER_OIDC_CLIENT_ID"],
        oidc_client_secret=emulator.env["STATIONMASTER_OIDC_CLIENT_SECRET"],
    )
    app.state.portal = replace(app.state.portal, settings=settings, openid=OpenIdProvider(settings))
    async with client_of(app) as client:
        yield client


async def sign_in(browser: httpx2.AsyncClient, email: str, **query: str) -> httpx2.Response:
    """Choose that account; returns what the portal's callback answers."""
    start = await browser.get("/auth/start", params=query)
    async with httpx2.AsyncClient() as google:
        page = await google.get(start.headers["location"])
        hidden = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.text)
        form = {name: html.unescape(value) for name, value in hidden}
        back = await google.post(start.headers["location"], data={**form, "account": email})
    return await browser.get(back.headers["location"])


async def test_ada_is_admin_and_grace_a_member(browser: httpx2.AsyncClient) -> None:
    for email, is_admin in (("ada@example.com", True), ("grace@example.com", False)):
        assert (await sign_in(browser, email)).status_code == 303
        page = await browser.get("/account")
        assert email in page.text
        assert ("admin" in page.text.partition("<main")[2]) is is_admin


async def test_eve_is_refused(browser: httpx2.AsyncClient) -> None:
    refused = await sign_in(browser, "eve@elsewhere.test")

    assert refused.status_code == 403
    assert "eve@elsewhere.test is not allowed to use this portal" in refused.text
    assert (await browser.get("/account")).status_code == 303


async def test_proving_it_again_makes_a_fresh_sign_in(browser: httpx2.AsyncClient) -> None:
    await sign_in(browser, "grace@example.com")

    assert (await sign_in(browser, "grace@example.com", fresh="1", next="/ssh-keys")).headers["location"] == "/ssh-keys"
