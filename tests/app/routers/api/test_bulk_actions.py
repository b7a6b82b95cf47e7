"""The same for many workstations, by the API."""

import httpx2
import pytest
from fastapi import FastAPI

from app.models import Scope
from app.services.workstations import bulk
from tests.clients import script_of
from tests.stage import Stage

pytestmark = pytest.mark.anyio
ACTIONS = "/api/v1/bulk-actions"


async def test_it_is_accepted_at_once_and_says_what_has_become_of_each(app: FastAPI, stage: Stage) -> None:
    running, stopped = await stage.make("dev-1"), await stage.make("dev-2", who="linus")
    async with await script_of(app, "ada") as ada:
        asked = {"verb": "start", "workstation_ids": [running.id, stopped.id]}
        answer = await ada.post(ACTIONS, json=asked)
        assert answer.status_code == 202
        here = f"{ACTIONS}/{answer.json()['id']}"
        assert (await ada.get(here)).json()["waiting"] == 2
        async with stage.database.sessions.begin() as session:
            await bulk.request_next(stage.context(session), answer.json()["id"])
        told = (await ada.get(here)).json()
    assert (told["verb"], told["requested_by"], told["total"]) == ("start", "ada@example.com", 2)
    assert (told["refused"], told["waiting"], told["after"]) == (1, 1, None)
    assert told["items"][0]["problem"] == "dev-1 cannot start while it is running."
    assert [each["owner"] for each in told["items"]] == ["grace@example.com", "linus@example.com"]


async def test_a_search_is_confirmed_by_its_number(app: FastAPI, stage: Stage) -> None:
    await stage.make("dev-1")
    async with await script_of(app, "ada") as ada:
        refused = await ada.post(ACTIONS, json={"verb": "stop", "q": "owner:grace", "number": 2})
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")
        made = await ada.post(ACTIONS, json={"verb": "stop", "q": "owner:grace", "number": 1})
        assert (await ada.get(f"{ACTIONS}/{made.json()['id']}")).json()["total"] == 1


@pytest.mark.parametrize(
    "which",
    [
        {},
        {"q": "dev"},
        {"number": 3},
        {"workstation_ids": []},
        {"workstation_ids": ["w1"], "q": "", "number": 1},
        {"workstation_ids": ["w"] * 1001},
        {"workstation_ids": ["../x"]},
        {"q": "color:red", "number": 1},
    ],
)
async def test_which_ones_is_said_in_one_way(app: FastAPI, which: dict[str, object]) -> None:
    async with await script_of(app, "ada") as ada:
        assert (await ada.post(ACTIONS, json={"verb": "stop", **which})).status_code == 422


async def test_only_admins_with_their_scope_may(app: FastAPI, stage: Stage, grace: httpx2.AsyncClient) -> None:
    machine = await stage.make("dev-1")
    asked = {"verb": "stop", "workstation_ids": [machine.id]}
    assert (await grace.post(ACTIONS, json=asked)).status_code == 403
    async with await script_of(app, "ada", Scope.MACHINES) as ada:
        assert (await ada.post(ACTIONS, json=asked)).status_code == 403
