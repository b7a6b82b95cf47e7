"""Office hours by the API."""

from typing import Any

import httpx2
import pytest

from app.services.workstations import office_hours
from tests.stage import Stage

pytestmark = pytest.mark.anyio
HOURS = {"start": "09:00", "stop": "19:00", "days": ["mon", "fri"], "time_zone": "America/New_York"}


@pytest.fixture
async def here(stage: Stage) -> str:
    """On a Monday at 09:31 UTC, which is 04:31 in New York."""
    return f"/api/v1/workstations/{(await stage.make()).id}"


async def test_they_are_set_skipped_and_turned_off(script: httpx2.AsyncClient, here: str) -> None:
    path, none = f"{here}/office-hours", {"office_hours": None, "skips": None, "next_order": None, "next_at": None}
    assert (await script.get(path)).json() == none
    next_start = {"next_order": "start", "next_at": "2026-03-02T14:00:00Z"}
    answer = await script.put(path, json={**HOURS, "days": ["fri", "mon", "fri"]})
    assert answer.json() == {"office_hours": HOURS, "skips": None, **next_start}
    assert (await script.get(here)).json()["office_hours"] == HOURS
    skipped = (await script.post(f"{path}/skip")).json()
    assert (skipped["skips"], skipped["next_at"]) == ("2026-03-02", "2026-03-06T14:00:00Z")
    assert (await script.delete(f"{path}/skip")).status_code == 204
    assert (await script.get(path)).json()["next_at"] == next_start["next_at"]
    assert (await script.delete(path)).status_code == 204
    assert (await script.get(path)).json() == none
    assert (await script.post(f"{path}/skip")).status_code == 409


async def test_a_start_or_a_stop_alone_will_do(script: httpx2.AsyncClient, here: str) -> None:
    answer = await script.put(f"{here}/office-hours", json={**HOURS, "start": None})
    assert (answer.json()["office_hours"]["start"], answer.json()["next_order"]) == (None, "stop")


@pytest.mark.parametrize(
    "changed",
    [
        {"start": "9:00"},
        {"stop": 19},
        {"stop": "09:00"},
        {"days": []},
        {"time_zone": "Berlin"},
        {"until": "2027-01-01"},
    ],
)
async def test_what_does_not_fit_is_refused_in_the_one_shape(
    script: httpx2.AsyncClient, here: str, changed: dict[str, Any]
) -> None:
    refused = await script.put(f"{here}/office-hours", json={**HOURS, **changed})
    assert refused.status_code == 422
    assert list(refused.json()["error"]["fields"]) == list(changed)
    assert (await script.get(here)).json()["office_hours"] is None


async def test_what_was_skipped_is_in_the_history(stage: Stage, script: httpx2.AsyncClient, here: str) -> None:
    await script.put(f"{here}/office-hours", json=HOURS)
    workstation_id = here.rpartition("/")[2]
    await stage.claim((await stage.change(workstation_id, disk_size_gb=200)).id)
    stage.clock.now = stage.clock.now.replace(month=3, day=3, hour=0, minute=0)
    async with stage.database.sessions.begin() as session:
        await office_hours.act(stage.context(session), workstation_id)
    [entry] = [each for each in (await script.get(f"{here}/history")).json() if each["kind"] == "office_hours_skipped"]
    assert entry["detail"] == "Stop at 19:00: A run is in progress."
