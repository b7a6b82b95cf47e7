"""The page of one member: what is theirs with the action for each, until nothing is left."""

import re

import httpx2
import pytest
from fastapi import FastAPI

from app.models import Workstation
from tests.clients import create, refusal, run_of, script_of
from tests.stage import Stage

pytestmark = pytest.mark.anyio


@pytest.fixture
async def path(ada: httpx2.AsyncClient, grace: httpx2.AsyncClient) -> str:
    """Of Grace's page."""
    return str(re.findall(r'href="(/admin/members/\w+)"><strong>Grace<', (await ada.get("/admin/members")).text)[0])


async def test_each_thing_has_its_action_and_the_page_ends_empty(
    app: FastAPI, stage: Stage, ada: httpx2.AsyncClient, grace: httpx2.AsyncClient, path: str
) -> None:
    machine = await create(grace)
    await stage.carry_out(await run_of(grace, machine))
    async with await script_of(app, "grace") as script:
        await script.post("/api/v1/allowed-ips", json={"cidr": "203.0.113.7", "label": "office"})
        page = (await ada.get(path)).text
        assert f"/workstations/{machine}/hand-over" in page
        assert "Nothing left" not in page
        for action in re.findall(rf'action="({path}/(?:ssh-keys|tokens)/[^"]+|{path}/sign-out)"', page):
            assert (await ada.post(action)).headers["location"].partition("?")[0] == path
        assert (await script.get("/api/v1/workstations")).status_code == 401
    [removal] = re.findall(r'action="(/admin/allowed-ips/\w+/remove)"', page)
    await ada.post(removal)
    assert (await grace.get("/account")).status_code == 303
    stage.clock.advance(minutes=1)
    await ada.post(f"/workstations/{machine}/destroy", data={"keep_disk": "no"})
    for run_id in set(re.findall(r'href="/runs/(\w+)"', (await ada.get(path)).text)):
        await stage.carry_out(run_id)

    assert "Nothing left" in (await ada.get(path)).text
    assert (await stage.row(Workstation, machine)).is_destroyed


async def test_the_api_says_the_same(app: FastAPI, stage: Stage, grace: httpx2.AsyncClient, path: str) -> None:
    machine = await create(grace)
    member = path.rpartition("/")[2]
    async with await script_of(app, "ada") as admin, await script_of(app, "grace") as script:
        theirs = (await admin.get(f"/api/v1/members/{member}/belongings")).json()
        assert (theirs["is_empty"], theirs["workstations"], theirs["sessions"]) == (False, [machine], 1)
        [token] = theirs["tokens"]
        assert (token["scope"], token["last_used_at"]) == ("machines", None)
        for key in theirs["ssh_keys"]:
            assert (await admin.delete(f"/api/v1/members/{member}/ssh-keys/{key}")).status_code == 204
        assert (await admin.post(f"/api/v1/members/{member}/sign-out")).status_code == 204
        assert (await admin.delete(f"/api/v1/tokens/{token['id']}")).status_code == 204
        assert (await script.get("/api/v1/tokens")).status_code == 401
        left = (await admin.get(f"/api/v1/members/{member}/belongings")).json()

    assert (left["ssh_keys"], left["tokens"], left["sessions"]) == ([], [], 0)


async def test_a_machine_is_handed_over_on_its_page(
    stage: Stage, ada: httpx2.AsyncClient, grace: httpx2.AsyncClient, linus: httpx2.AsyncClient
) -> None:
    machine = await create(grace)
    await stage.carry_out(await run_of(grace, machine))
    await create(linus)
    page = f"/workstations/{machine}/hand-over"
    clash = await refusal(ada, page, {"owner": "linus@example.com", "name": "dev-1"})
    assert "already has a workstation named dev-1" in clash.text
    stranger = await refusal(ada, page, {"owner": "nobody@example.com", "name": "dev-1"})
    assert 'value="nobody@example.com"' in stranger.text
    done = await ada.post(page, data={"owner": "linus@example.com", "name": "dev-2"})
    assert (done.status_code, done.headers["location"]) == (303, f"/workstations/{machine}?done=handed_over")

    assert "dev-2" in (await linus.get("/")).text
    assert (await grace.get(f"/workstations/{machine}")).status_code == 404
    assert f"/workstations/{machine}" not in (await grace.get("/")).text


async def test_a_machine_is_handed_over_by_the_api(
    app: FastAPI, stage: Stage, grace: httpx2.AsyncClient, linus: httpx2.AsyncClient
) -> None:
    machine = await create(grace)
    await stage.carry_out(await run_of(grace, machine))
    path = f"/api/v1/workstations/{machine}/hand-over"
    async with await script_of(app, "ada") as admin:
        wrong = await admin.post(path, json={"owner": "nobody@example.com"})
        assert (wrong.status_code, list(wrong.json()["error"]["fields"])) == (422, ["owner"])
        stage.clock.advance(minutes=1)
        done = await admin.post(path, json={"owner": "linus@example.com", "name": "dev-2"})

    assert (done.status_code, done.json()["name"]) == (200, "dev-2")
    assert done.json()["run_id"] == await run_of(linus, machine)
