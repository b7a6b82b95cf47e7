import httpx2
import pytest
from fastapi import FastAPI

from app.models import Scope
from app.services.people import members
from tests.clients import client_of, script_of, token_of
from tests.parts import MovingClock, identity

pytestmark = pytest.mark.anyio


async def test_a_token_acts_for_its_member(app: FastAPI) -> None:
    plain = await token_of(app, "grace")

    for header in (f"Bearer {plain}", f"bearer  {plain} "):
        async with client_of(app, Authorization=header) as script:
            assert (await script.get("/api/v1/ssh-keys")).json()["items"] == []


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer x", "bearer stm_x", "Bearer stm_a b"])
async def test_a_token_that_is_not_valid_is_refused_even_beside_a_good_cookie(
    grace: httpx2.AsyncClient, header: str
) -> None:
    refused = await grace.get("/api/v1/ssh-keys", headers={"Authorization": header})

    assert refused.status_code == 401
    assert refused.json()["error"]["code"] == "sign_in_required"
    assert refused.headers["www-authenticate"] == "Bearer"


async def test_another_scheme_is_no_token(grace: httpx2.AsyncClient) -> None:
    assert (await grace.get("/api/v1/ssh-keys", headers={"Authorization": "Basic eDp5"})).status_code == 200


async def test_nobody_gets_json_from_the_api_and_the_sign_in_page_elsewhere(client: httpx2.AsyncClient) -> None:
    api, page, form = (
        await client.get("/api/v1/ssh-keys"),
        await client.get("/ssh-keys"),
        await client.post("/ssh-keys"),
    )

    assert (api.status_code, api.json()["error"]["code"]) == (401, "sign_in_required")
    assert (page.status_code, page.headers["location"]) == (303, "/sign-in?next=/ssh-keys")
    assert form.headers["location"].startswith("/sign-in?next=/ssh-keys")


async def test_a_token_does_not_make_tokens(app: FastAPI) -> None:
    async with client_of(app, Authorization=f"Bearer {await token_of(app, 'grace')}") as script:
        assert (await script.post("/account/tokens", data={"name": "more"})).status_code == 401


async def test_a_tokens_member_who_is_no_longer_allowed_is_out(app: FastAPI) -> None:
    plain = await token_of(app, "grace")
    portal = app.state.portal
    async with portal.database.sessions.begin() as session:
        await members.sign_in(portal.context(session), identity("grace", sub="newcomer"))

    async with client_of(app, Authorization=f"Bearer {plain}") as script:
        assert (await script.get("/api/v1/ssh-keys")).status_code == 401


async def test_an_expired_token_is_refused_with_the_day_and_what_to_do(app: FastAPI, clock: MovingClock) -> None:
    async with await script_of(app, "grace") as script:
        clock.advance(days=89, hours=23)
        assert (await script.get("/api/v1/ssh-keys")).status_code == 200
        clock.advance(hours=1)
        refused = await script.get("/api/v1/ssh-keys")

    assert refused.status_code == 401
    assert refused.json()["error"] == {
        "code": "token_expired",
        "message": "This API token expired on 31 May 2026. Create a new one on your account page.",
    }


async def test_a_token_that_is_too_weak_is_told_which_scope_is_needed(app: FastAPI) -> None:
    async with await script_of(app, "ada", Scope.READ) as reader, await script_of(app, "ada", Scope.MACHINES) as script:
        changing = await reader.post("/api/v1/ssh-keys/generate", json={"name": "pair"})
        reading = await reader.get("/api/v1/ssh-keys")
        deciding = await script.get("/api/v1/members")

    assert reading.status_code == 200
    assert (changing.status_code, deciding.status_code) == (403, 403)
    assert changing.json()["error"] == {
        "code": "scope_required",
        "message": "This API token has the scope read. This request needs the scope machines.",
        "hint": "Create a token with that scope on your account page.",
    }
    assert deciding.json()["error"]["message"].endswith("This request needs the scope admin.")


async def test_an_admin_s_token_for_machines_asks_for_an_allowed_ip_as_members_do(app: FastAPI) -> None:
    asked = {"cidr": "203.0.113.7", "label": "office"}
    async with await script_of(app, "ada", Scope.MACHINES) as script, await script_of(app, "ada") as admin:
        assert (await script.post("/api/v1/allowed-ips", json=asked)).json()["status"] == "asked"
        for_another = await script.post("/api/v1/allowed-ips", json={**asked, "owner": "ada@example.com"})
        assert for_another.status_code == 403
        assert (await script.get("/api/v1/allowed-ips?all=true")).status_code == 403
        assert (await admin.get("/api/v1/allowed-ips?all=true")).status_code == 200


@pytest.mark.parametrize("identifier", ["%00", "a%00b", "..%2f..", "%C3%A9", "a'b", "x" * 5000])
async def test_an_identifier_that_cannot_be_one_is_not_there(grace: httpx2.AsyncClient, identifier: str) -> None:
    assert (await grace.get(f"/ssh-keys/{identifier}/delete")).status_code == 404
    assert (await grace.delete(f"/api/v1/ssh-keys/{identifier}")).status_code == 404
