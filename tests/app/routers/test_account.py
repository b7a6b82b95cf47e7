import re

import httpx2
import pytest
from fastapi import FastAPI

from tests.clients import client_of, refusal, signed_in
from tests.parts import MovingClock

pytestmark = pytest.mark.anyio


def revoke_paths(page: str, kind: str) -> list[str]:
    return re.findall(rf'action="(/account/{kind}/[a-z0-9]+/revoke)"', page)


async def test_a_new_token_is_shown_once_and_works(app: FastAPI, grace: httpx2.AsyncClient) -> None:
    made = await grace.post("/account/tokens", data={"name": "CI"})
    shown = await grace.get(made.headers["location"])
    plain = re.search(r"stm_[\w-]{43}", shown.text)
    assert plain
    assert plain[0] not in f"{made.headers}{made.text}"
    assert shown.headers["cache-control"] == "no-store"
    page = await grace.get("/account")
    assert "CI" in page.text
    assert plain[0] not in page.text

    async with client_of(app, Authorization=f"Bearer {plain[0]}") as script:
        assert (await script.get("/api/v1/ssh-keys")).status_code == 200
        await grace.post(revoke_paths(page.text, "tokens")[0])
        assert (await script.get("/api/v1/ssh-keys")).status_code == 401


async def test_a_token_without_a_name_is_said_at_the_field_with_what_was_typed(grace: httpx2.AsyncClient) -> None:
    refused = await refusal(grace, "/account/tokens", {"name": "<b>" * 30})

    assert 'aria-invalid="true"' in refused.text
    assert "&lt;b&gt;" in refused.text
    await refusal(grace, "/account/tokens")


async def test_scope_and_expiry_are_chosen_and_shown(
    grace: httpx2.AsyncClient, ada: httpx2.AsyncClient, clock: MovingClock
) -> None:
    assert 'value="admin"' not in (await grace.get("/account")).text
    assert 'value="admin"' in (await ada.get("/account")).text
    await grace.post("/account/tokens", data={"name": "CI", "scope": "read", "days": "3"})
    page = (await grace.get("/account")).text
    assert "Read your own resources" in page
    assert 'datetime="2026-03-05T09:30:00+00:00"' in page
    clock.advance(days=3)
    assert "Expired" in (await grace.get("/account")).text


@pytest.mark.parametrize(
    ("field", "value"), [("days", "0"), ("days", "366"), ("days", "x"), ("scope", "admin"), ("scope", "king")]
)
async def test_a_token_that_cannot_be_is_refused(grace: httpx2.AsyncClient, field: str, value: str) -> None:
    refused = await refusal(grace, "/account/tokens", {"name": "CI", field: value})

    assert "stm_" not in refused.text.replace("stm_…", "")


async def test_another_browser_is_listed_and_can_be_signed_out(app: FastAPI, grace: httpx2.AsyncClient) -> None:
    own = revoke_paths((await grace.get("/account")).text, "sign-ins")
    async with await signed_in(app, "grace") as phone:
        page = (await grace.get("/account")).text
        others = set(revoke_paths(page, "sign-ins")) - set(own)
        assert len(others) == 1
        assert page.count("This browser") == 1
        await grace.post(others.pop())

        assert (await phone.get("/account")).status_code == 303
    assert (await grace.get("/account")).status_code == 200


async def test_signing_out_this_browser_by_the_list_leads_to_the_sign_in_page(grace: httpx2.AsyncClient) -> None:
    path = revoke_paths((await grace.get("/account")).text, "sign-ins")[0]
    assert (await grace.post(path)).headers["location"] == "/account?done=session_revoked"

    assert (await grace.get("/account")).headers["location"] == "/sign-in?next=/account"
