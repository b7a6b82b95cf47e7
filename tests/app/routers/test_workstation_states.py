"""The states of a workstation: what changed between them, masked, for its owner and admins."""

import json
from typing import Any

import httpx2
import pytest
from cryptography.fernet import Fernet
from fastapi import FastAPI

from app.crypto import Vault
from app.models import Run
from app.services.terraform import state_versions
from app.services.terraform.state_versions import State
from tests.clients import create, run_of
from tests.stage import Stage

pytestmark = pytest.mark.anyio


@pytest.fixture
async def machine_id(grace: httpx2.AsyncClient) -> str:
    return await create(grace)


def state(serial: int, size: int, password: str = "correct-horse") -> State:
    attributes = {"name": "<b>data</b>", "zone": "europe-west4-a", "size": size, "password": password}
    hidden = [[{"type": "get_attr", "value": "password"}]]
    disk: dict[str, Any] = {
        "mode": "managed",
        "type": "google_compute_disk",
        "name": "data",
        "instances": [{"attributes": attributes, "sensitive_attributes": hidden}],
    }
    return State(json.dumps({"version": 4, "serial": serial, "lineage": "l", "resources": [disk]}).encode())


async def store(app: FastAPI, run_id: str, *states: State, vault: Vault | None = None) -> None:
    portal = app.state.portal
    async with portal.database.sessions.begin() as session:
        run = await session.get_one(Run, run_id)
        for each in states:
            await state_versions.store(session, vault or portal.vault, run, each, portal.clock())


async def test_each_state_says_what_changed_and_nothing_secret(
    app: FastAPI, grace: httpx2.AsyncClient, machine_id: str
) -> None:
    run_id = await run_of(grace, machine_id)
    await store(app, run_id, state(1, 100), state(2, 200, "battery-staple"))
    page = (await grace.get(f"/workstations/{machine_id}/states")).text

    assert f'href="/workstations/{machine_id}/states"' in (await grace.get(f"/workstations/{machine_id}")).text
    assert page.index("State 2") < page.index("State 1")
    newest = page[: page.index("State 1")]
    for shown in ("Changed", "<code>100</code>", "<code>200</code>", "(sensitive)", "serial 2", f"/runs/{run_id}"):
        assert shown in newest
    assert "&lt;b&gt;data" in page
    for secret in ("correct-horse", "battery-staple"):
        assert secret not in page


async def test_what_came_too_late_is_marked_and_nothing_is_compared_with_it(
    stage: Stage, app: FastAPI, grace: httpx2.AsyncClient, machine_id: str
) -> None:
    run_id = await run_of(grace, machine_id)
    await stage.claim(run_id)
    await store(app, run_id, state(1, 100))
    portal = app.state.portal
    async with portal.database.sessions.begin() as session:
        run = await session.get_one(Run, run_id)
        await state_versions.quarantine(session, portal.vault, run, 1, state(9, 999), portal.clock())
    await store(app, run_id, state(2, 300))
    page = (await grace.get(f"/workstations/{machine_id}/states")).text

    assert page.count("Quarantined") == 1
    newest = page[: page.index("State 2")]
    assert "<code>100</code>" in newest
    assert "999" not in newest


async def test_older_states_are_a_page_further_and_still_compared(
    app: FastAPI, grace: httpx2.AsyncClient, machine_id: str
) -> None:
    await store(app, await run_of(grace, machine_id), *(state(serial, 100 + serial) for serial in range(1, 23)))
    first = (await grace.get(f"/workstations/{machine_id}/states")).text
    second = (await grace.get(f"/workstations/{machine_id}/states", params={"below": 3})).text

    assert "states?below=3" in first
    assert "<code>102</code>" in first
    assert first.count('id="state-') == 20
    assert second.count('id="state-') == 2
    assert "Older states" not in second
    for below in ("0", "x", "9" * 30):
        assert (await grace.get(f"/workstations/{machine_id}/states", params={"below": below})).status_code == 422


async def test_a_state_whose_key_is_gone_is_listed_all_the_same(
    app: FastAPI, grace: httpx2.AsyncClient, machine_id: str
) -> None:
    run_id = await run_of(grace, machine_id)
    await store(app, run_id, state(1, 100), vault=Vault([Fernet.generate_key().decode()]))
    await store(app, run_id, state(2, 200))
    page = await grace.get(f"/workstations/{machine_id}/states")

    assert page.status_code == 200
    assert "encryption keys can decrypt" in page.text


async def test_it_is_for_the_owner_and_admins(
    grace: httpx2.AsyncClient, linus: httpx2.AsyncClient, ada: httpx2.AsyncClient, machine_id: str
) -> None:
    assert "No state yet" in (await grace.get(f"/workstations/{machine_id}/states")).text
    assert (await ada.get(f"/workstations/{machine_id}/states")).status_code == 200
    assert (await linus.get(f"/workstations/{machine_id}/states")).status_code == 404
