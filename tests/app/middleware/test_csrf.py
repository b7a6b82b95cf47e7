import httpx2
import pytest
from fastapi import FastAPI

from app.services.people import api_tokens, members
from tests.clients import client_of, signed_in
from tests.parts import identity

pytestmark = pytest.mark.anyio

FORGED = [
    {"Origin": "https://evil.test"},
    {"Origin": "http://portal.test.evil.test"},
    {"Origin": "null"},
    {"Origin": "http://portal.test:8000"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://other.portal.test"},
    {"Sec-Fetch-Site": "nonsense"},
]
OWN = [{"Origin": "http://portal.test"}, {"Sec-Fetch-Site": "same-origin", "Origin": "http://portal.test"}, {}]


async def add(client: httpx2.AsyncClient, headers: dict[str, str]) -> httpx2.Response:
    return await client.post("/account/tokens", data={"name": "CI"}, headers=headers)


@pytest.mark.parametrize("headers", FORGED, ids=str)
async def test_a_request_forged_by_another_site_does_nothing(
    grace: httpx2.AsyncClient, headers: dict[str, str]
) -> None:
    refused = await add(grace, headers)

    assert refused.status_code == 403
    assert "No changes were made" in refused.text
    assert "No tokens yet" in (await grace.get("/account")).text


@pytest.mark.parametrize("headers", OWN, ids=str)
async def test_a_request_of_the_portals_own_pages_passes(grace: httpx2.AsyncClient, headers: dict[str, str]) -> None:
    assert (await add(grace, headers)).status_code == 303


async def test_the_public_address_counts_where_a_proxy_passes_another_port_on(grace: httpx2.AsyncClient) -> None:
    headers = {"Host": "portal.test:8000", "Origin": "http://portal.test", "Sec-Fetch-Site": "same-origin"}

    assert (await add(grace, headers)).status_code == 303


async def test_the_api_refuses_forged_requests_in_its_own_shape(grace: httpx2.AsyncClient) -> None:
    refused = await grace.post("/api/v1/ssh-keys", json={}, headers={"Origin": "https://evil.test"})

    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "refused"


async def test_signing_out_cannot_be_forged(grace: httpx2.AsyncClient) -> None:
    await grace.post("/sign-out", headers={"Sec-Fetch-Site": "cross-site"})

    assert (await grace.get("/account")).status_code == 200


async def test_a_token_may_be_sent_from_anywhere_but_not_beside_a_cookie(app: FastAPI) -> None:
    portal = app.state.portal
    async with portal.database.sessions.begin() as session:
        member = await members.sign_in(portal.context(session), identity("grace"))
        plain = (await api_tokens.create(portal.context(session, member), "CI")).plain
    headers = {"Authorization": f"Bearer {plain}", "Origin": "https://notebook.test"}

    async with client_of(app) as script:
        assert (await script.delete("/api/v1/ssh-keys/nothing", headers=headers)).status_code == 404
    async with await signed_in(app, "grace") as browser:
        assert (await browser.delete("/api/v1/ssh-keys/nothing", headers=headers)).status_code == 403
