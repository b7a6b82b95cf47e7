"""The page of the idle stop, the warning, and the buttons that keep a machine running; also by the API."""

import json
import re
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from app.models import Workstation
from app.services.people import team_policy
from app.services.people.team_policy import TeamPolicy
from tests.app.models.test_idle_stop import IDLE
from tests.clients import refusal, script_of, shown
from tests.stage import Stage
from tests.steps import audit_entries

pytestmark = pytest.mark.anyio


@pytest.fixture
async def path(stage: Stage) -> str:
    """A machine that runs."""
    return f"/workstations/{(await stage.make()).id}"


async def idle(stage: Stage, path: str, minutes: int, **changes: Any) -> None:
    """It has been idle for so long, by its agent's records."""
    async with stage.database.sessions.begin() as session:
        row = await session.get_one(Workstation, path.rpartition("/")[2])
        record = {"at": stage.clock().isoformat(), **IDLE, "gpus": [], **changes}
        row.report = {**row.report, "activity": json.dumps(record)}
        row.running_at = stage.clock() - timedelta(days=1)
        row.idle_since, row.idle_seen_at = stage.clock() - timedelta(minutes=minutes), stage.clock()
        row.idle_warned_at = stage.clock()


async def test_it_is_chosen_within_the_teams_bounds(stage: Stage, grace: httpx2.AsyncClient, path: str) -> None:
    assert "not stopped when it is idle" in await shown(grace, path)
    saved = await grace.post(f"{path}/idle-stop", data={"minutes": "90"})
    assert saved.headers["location"] == f"{path}?done=idle_stop_saved"
    assert "When idle for 1 hour and 30 minutes" in await shown(grace, path)
    assert 'value="90"' in (await grace.get(f"{path}/idle-stop")).text
    await grace.post(f"{path}/idle-stop", data={"minutes": ""})
    assert "not stopped when it is idle" in await shown(grace, path)
    async with stage.database.sessions() as session:
        entries = await audit_entries(session, action="workstation.set_idle_stop")
    assert {"minutes": 90} in [entry.after for entry in entries]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("59", "Enter a whole number from 60 to 1440, or 0 for never."),
        ("1441", "Enter a whole number from 60 to 1440, or 0 for never."),
        ("1.5", "Enter a whole number of minutes, such as 120, or leave it empty."),
        ("-1", "Enter a whole number of minutes, such as 120, or leave it empty."),
        ("two hours", "Enter a whole number of minutes, such as 120, or leave it empty."),
    ],
)
async def test_what_is_out_of_bounds_is_refused_at_the_field(
    grace: httpx2.AsyncClient, path: str, typed: str, sentence: str
) -> None:
    page = (await refusal(grace, f"{path}/idle-stop", {"minutes": typed})).text
    assert re.search(rf'id="minutes-error".*?{re.escape(sentence)}', page, re.DOTALL)
    assert f'value="{typed}"' in page


async def test_the_page_says_that_the_teams_policy_counts(stage: Stage, grace: httpx2.AsyncClient, path: str) -> None:
    await grace.post(f"{path}/idle-stop", data={"minutes": "0"})
    async with stage.acting("ada") as ctx:
        await team_policy.change(ctx, TeamPolicy(idle_least=60, idle_most=120, idle_required=True))
    page = await shown(grace, path)
    assert "Never was chosen. The team&#39;s policy counts: 60 to 120 minutes." in page.replace("'", "&#39;")
    assert "When idle for 2 hours" in page
    refused = await refusal(grace, f"{path}/idle-stop", {"minutes": "0"})
    assert "does not allow never" in refused.text


async def test_a_stop_is_warned_of_and_called_off_by_one_click(
    stage: Stage, grace: httpx2.AsyncClient, path: str
) -> None:
    await grace.post(f"{path}/idle-stop", data={"minutes": "60"})
    await idle(stage, path, 35)
    page = await shown(grace, path)
    assert "dev-1 stops because it is idle It stops at" in page
    assert "Idle Since" in page
    kept = await grace.post(f"{path}/idle-stop/keep", data={"hours": "4"})
    assert kept.headers["location"] == f"{path}?done=kept_running"
    page = await shown(grace, path)
    assert "stops because it is idle" not in page
    assert "Kept until" in page
    released = await grace.post(f"{path}/idle-stop/release")
    assert released.headers["location"] == f"{path}?done=not_kept_running"
    assert "Kept until" not in await shown(grace, path)
    refused = await refusal(grace, f"{path}/idle-stop/keep", {"hours": "1000"})
    assert "Choose a time of 1 to 168 hours." in refused.text
    async with stage.database.sessions() as session:
        assert await audit_entries(session, action="workstation.keep_running")
        assert await audit_entries(session, action="workstation.stop_keeping_running")


async def test_the_page_says_what_the_machine_is_used_for(stage: Stage, grace: httpx2.AsyncClient, path: str) -> None:
    await grace.post(f"{path}/idle-stop", data={"minutes": "60"})
    assert "In use Nothing is reported" in await shown(grace, path)
    await idle(stage, path, 0, cpu=38, multiplexers=[{"kind": "tmux", "job": "<b>train</b>", "has_job": True}])
    async with stage.database.sessions.begin() as session:
        (await session.get_one(Workstation, path.rpartition("/")[2])).idle_since = None
    assert "CPU 38%, &lt;b&gt;train&lt;/b&gt; in tmux" in await shown(grace, path)


async def test_the_same_by_the_api(app: FastAPI, stage: Stage, path: str) -> None:
    async with await script_of(app, "grace") as script:
        here = f"/api/v1{path}/idle-stop"
        nothing = {"idle_since": None, "stops_at": None, "kept_until": None, "in_use": ["Nothing is reported"]}
        assert (await script.get(here)).json() == {"minutes": None, "counts_minutes": None, **nothing}
        answer = await script.put(here, json={"minutes": 60})
        assert answer.json() == {"minutes": 60, "counts_minutes": 60, **nothing}
        await idle(stage, path, 35)
        state = (await script.get(here)).json()
        assert (state["in_use"], bool(state["idle_since"]), bool(state["stops_at"])) == ([], True, True)
        for wrong in ({"minutes": 10}, {"minutes": -1}, {"minutes": "soon"}):
            refused = await script.put(here, json=wrong)
            assert (refused.status_code, list(refused.json()["error"]["fields"])) == (422, ["minutes"])
        assert (await script.post(f"{here}/keep", json={"hours": 4})).json()["kept_until"]
        assert (await script.post(f"{here}/keep", json={"hours": 0})).status_code == 422
        assert (await script.delete(f"{here}/keep")).status_code == 204
        assert (await script.get(here)).json()["kept_until"] is None
