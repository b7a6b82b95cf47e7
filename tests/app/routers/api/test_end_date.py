"""End dates and the team's policy by the API."""

from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from app.services.people.team_policy import TeamPolicy
from tests.clients import script_of
from tests.stage import Stage

pytestmark = pytest.mark.anyio
NONE = {"ends_on": None, "stops_at": None, "deletes_at": None}


@pytest.fixture
async def here(stage: Stage) -> str:
    """On Monday, 2 March 2026."""
    return f"/api/v1/workstations/{(await stage.make()).id}"


async def test_it_is_set_and_removed(script: httpx2.AsyncClient, here: str) -> None:
    path = f"{here}/end-date"
    assert (await script.get(path)).json() == NONE
    answer = await script.put(path, json={"ends_on": "2026-03-31"})
    assert answer.json() == {"ends_on": "2026-03-31", "stops_at": "2026-04-01T12:00:00Z", "deletes_at": None}
    assert (await script.get(path)).json() == answer.json()
    assert (await script.get(here)).json()["ends_on"] == "2026-03-31"
    for _ in range(2):
        assert (await script.delete(path)).status_code == 204
    assert (await script.get(path)).json() == NONE
    assert (await script.post(f"{here}/keep")).status_code == 204


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"ends_on": None},
        {"ends_on": "2026-03-01"},
        {"ends_on": "2026-03-31T00:00:00Z"},
        {"ends_on": 1774915200},
        {"ends_on": "20260331"},
        {"ends_on": True},
    ],
)
async def test_what_does_not_fit_is_refused_in_the_one_shape(
    script: httpx2.AsyncClient, here: str, sent: dict[str, Any]
) -> None:
    refused = await script.put(f"{here}/end-date", json=sent)
    assert refused.status_code == 422
    assert list(refused.json()["error"]["fields"]) == ["ends_on"]


async def test_a_new_machine_has_the_end_date_that_was_asked_for(script: httpx2.AsyncClient) -> None:
    spec = {"name": "dev-3", "machine_type": "e2-standard-4", "ends_on": "2026-04-01"}
    created = await script.post("/api/v1/workstations", json=spec)
    assert created.json()["ends_on"] == "2026-04-01"
    assert (await script.post("/api/v1/workstations", json=spec)).status_code == 200
    other = await script.post("/api/v1/workstations", json={**spec, "ends_on": "2026-04-02"})
    assert other.status_code == 409
    past = await script.post("/api/v1/workstations", json={**spec, "name": "dev-4", "ends_on": "2026-03-01"})
    assert list(past.json()["error"]["fields"]) == ["ends_on"]


async def test_the_policy_is_for_all_to_read_and_for_admins_to_set(app: FastAPI, script: httpx2.AsyncClient) -> None:
    path, default = "/api/v1/team/policy", TeamPolicy().model_dump()
    assert (await script.get(path)).json() == default
    assert (await script.put(path, json={"grace_days": 14})).status_code == 403
    async with await script_of(app, "ada") as admin:
        answer = await admin.put(path, json={"grace_days": 14})
        assert answer.json() == {**default, "grace_days": 14} == (await script.get(path)).json()
        for wrong in ({"grace_days": 0}, {"dormant_days": 6}, {"grace_days": "soon"}, {"dormant_days": None}):
            refused = await admin.put(path, json=wrong)
            assert (refused.status_code, list(refused.json()["error"]["fields"])) == (422, list(wrong))
