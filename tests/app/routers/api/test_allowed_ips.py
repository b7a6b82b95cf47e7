from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from tests.clients import script_of
from tests.stage import Stage

pytestmark = pytest.mark.anyio
PATH = "/api/v1/allowed-ips"
HOME = {"cidr": "203.0.113.7", "label": "home"}


@pytest.fixture
async def admin(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    async with await script_of(app, "ada") as client:
        yield client


async def items(script: httpx2.AsyncClient, query: str = "") -> list[Any]:
    return list((await script.get(PATH + query)).json()["items"])


async def test_ask_approve_remove(stage: Stage, script: httpx2.AsyncClient, admin: httpx2.AsyncClient) -> None:
    await stage.make_shared_stack()
    asked = await script.post(PATH, json={**HOME, "expires_at": "2026-03-03T00:00:00Z"})
    assert asked.status_code == 201
    ip = asked.json()
    assert ip == {
        "id": ip["id"],
        "cidr": "203.0.113.7/32",
        "label": "home",
        "owner": "grace@example.com",
        "status": "asked",
        "notes": [],
        "created_at": "2026-03-02T09:30:00Z",
        "decided_at": None,
        "expires_at": "2026-03-03T00:00:00Z",
    }
    assert (await script.post(PATH, json=HOME)).status_code == 200
    assert await items(script) == await items(admin, "?all=true") == [ip]
    assert await items(admin) == []

    approved = (await admin.post(f"{PATH}/{ip['id']}/approve")).json()
    assert (approved["status"], approved["expires_at"]) == ("being_added", ip["expires_at"])
    assert (await script.get(PATH)).json()["run_id"]
    removed = await script.delete(f"{PATH}/{ip['id']}")
    assert (removed.status_code, removed.json()["status"]) == (200, "removed")


async def test_the_time_is_changed_by_whoever_approves(script: httpx2.AsyncClient, admin: httpx2.AsyncClient) -> None:
    ip = (await script.post(PATH, json={**HOME, "expires_at": "2026-03-03T00:00:00Z"})).json()
    over = await admin.post(f"{PATH}/{ip['id']}/approve", json={"expires_at": "2026-03-01T00:00:00Z"})
    assert over.json()["error"]["fields"].keys() == {"expires_at"}
    for_ever = await admin.post(f"{PATH}/{ip['id']}/approve", json={"expires_at": None})
    assert for_ever.json()["expires_at"] is None
    assert (await admin.post(f"{PATH}/{ip['id']}/refuse")).status_code == 409


async def test_an_admin_adds_and_names_the_owner(script: httpx2.AsyncClient, admin: httpx2.AsyncClient) -> None:
    added = await admin.post(PATH, json={**HOME, "owner": "grace@example.com"})
    assert (added.status_code, added.json()["owner"]) == (201, "grace@example.com")
    assert len(await items(script)) == 1
    for nobody in ("nobody@example.com", "nul\0", ""):
        refused = await admin.post(PATH, json={**HOME, "owner": nobody})
        assert (refused.status_code, refused.json()["error"]["fields"].keys()) == (422, {"owner"})


async def test_what_is_doubtful_wants_a_word(script: httpx2.AsyncClient) -> None:
    wide = {"cidr": "8.8.0.0/16", "label": "resolver"}
    refused = (await script.post(PATH, json=wide)).json()["error"]
    assert refused["fields"] == {"confirm": "8.8.0.0/16 is wide: 65,536 addresses. Confirm to allow this range."}
    assert (await script.post(PATH, json={**wide, "confirm": True})).status_code == 201
    # The address that the script comes from.
    assert (await script.post(PATH, json={"cidr": "127.0.0.1", "label": "here"})).status_code == 201


async def test_members_may_neither_decide_nor_see_others(
    app: FastAPI, script: httpx2.AsyncClient, admin: httpx2.AsyncClient
) -> None:
    ip = (await script.post(PATH, json=HOME)).json()["id"]
    assert (await script.get(f"{PATH}?all=true")).status_code == 403
    assert (await script.post(PATH, json={**HOME, "owner": "ada@example.com"})).status_code == 403
    for verb in ("approve", "refuse"):
        assert (await script.post(f"{PATH}/{ip}/{verb}")).status_code == 403
    async with await script_of(app, "linus") as linus:
        assert await items(linus) == []
        assert (await linus.delete(f"{PATH}/{ip}")).status_code == 404
        assert (await linus.post(f"{PATH}/{ip}/approve")).status_code == 404
    assert (await items(script))[0]["status"] == "asked"
