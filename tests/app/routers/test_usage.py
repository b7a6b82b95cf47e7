"""What a machine does, on its workstation's page and in the API."""

import json
import re
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from app.models import Workstation
from app.models.activity import MEASURES
from app.models.machine_report import MachineReport
from app.services.workstations import reports
from tests.stage import Stage

pytestmark = pytest.mark.anyio
TRAINING: dict[str, Any] = {
    "cpu": 38.5,
    "received": 2000,
    "gpus": [{"use": 97, "process": {"name": "python3", "age": 21700, "cpu": 180}}],
    "logins": [{"user": "grace", "idle": 7300}],
    "multiplexers": [],
    "kernels": 0,
    "busiest": {"name": "python3", "age": 21700, "cpu": 180},
}


@pytest.fixture
async def machine(stage: Stage) -> Workstation:
    """With a GPU."""
    return await stage.make(machine_type="g2-standard-4")


async def tell(stage: Stage, workstation_id: str, record: dict[str, Any], *minutes: dict[str, float]) -> None:
    """Its agent reports, with the numbers of the last minutes, the newest first."""
    now = stage.clock()
    lists = [
        [int(now.timestamp() // 60) - number - 1, *(each.get(measure) for measure in MEASURES)]
        for number, each in enumerate(minutes)
    ]
    text = json.dumps({"at": now.isoformat(), "minutes": lists, **record})
    async with stage.database.sessions.begin() as session:
        workstation = await session.get_one(Workstation, workstation_id)
        await reports.record(stage.context(session), workstation, MachineReport.read({"activity": text}))


async def section(browser: httpx2.AsyncClient, path: str) -> str:
    """The page's part on usage, without tags."""
    [found] = re.findall(r'aria-labelledby="usage".*?</section>', (await browser.get(path)).text, re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found))


async def test_the_page_shows_what_runs_and_charts(
    stage: Stage, machine: Workstation, grace: httpx2.AsyncClient
) -> None:
    await tell(stage, machine.id, TRAINING, {"gpu": 97, "cpu": 40, "disk": 3e6}, {"gpu": 91, "cpu": 20, "disk": 1e6})
    page = await section(grace, f"/workstations/{machine.id}")
    assert "Running: python3, GPU 97%, for 6 h . Logged in: grace, idle for 2 h." in page
    assert "GPU last 97% · mean 94% · most 97% 0 to 100%" in page
    assert "Disk last 3 MB/s · mean 2 MB/s · most 3 MB/s 0 to 5 MB/s" in page
    assert "Memory unknown" in page
    html = (await grace.get(f"/workstations/{machine.id}")).text
    assert re.search(r'<polyline points="[0-9.]+,[0-9.]+ [0-9.]+,[0-9.]+"', html)
    assert 'aria-label="GPU, last hour: last 97%, mean 94%, most 97%"' in html


async def test_longer_times_are_behind_links_and_stay_while_the_page_updates_itself(
    stage: Stage, machine: Workstation, grace: httpx2.AsyncClient
) -> None:
    await tell(stage, machine.id, TRAINING, {"gpu": 50})
    stage.clock.advance(hours=5)
    path = f"/workstations/{machine.id}"
    assert "has reported nothing in this time" in await section(grace, path)
    for span in ("day", "week", "month"):
        assert "GPU last 50%" in await section(grace, f"{path}?usage={span}")
        assert f'hx-get="{path}?usage={span}"' in (await grace.get(f"{path}?usage={span}")).text
    assert (await grace.get(f"{path}?usage=year")).status_code == 422


async def test_a_silent_agent_is_unknown_and_not_idle(
    stage: Stage, machine: Workstation, grace: httpx2.AsyncClient
) -> None:
    path = f"/workstations/{machine.id}"
    assert "What runs is unknown : the machine’s agent has not reported." in await section(grace, path)
    await tell(stage, machine.id, TRAINING, {"gpu": 97})
    stage.clock.advance(minutes=6)
    page = await section(grace, path)
    assert "What runs is unknown : the machine’s agent has not reported since" in page
    assert "python3" not in page


async def test_an_idle_machine_is_said_to_be_idle(
    stage: Stage, machine: Workstation, grace: httpx2.AsyncClient
) -> None:
    await tell(stage, machine.id, {"gpus": [{"use": 0}], "multiplexers": [], "kernels": 0, "logins": []})
    assert "Nothing but an idle shell runs." in await section(grace, f"/workstations/{machine.id}")


async def test_a_machine_without_gpu_has_no_chart_of_one(stage: Stage, grace: httpx2.AsyncClient) -> None:
    machine = await stage.make()
    await tell(stage, machine.id, {"gpus": []}, {"cpu": 5})
    page = await section(grace, f"/workstations/{machine.id}")
    assert "CPU last 5%" in page
    assert "GPU" not in page


async def test_what_a_machine_says_is_text(stage: Stage, machine: Workstation, grace: httpx2.AsyncClient) -> None:
    evil = {"name": "<script>alert(1)</script>", "age": 60, "cpu": 99}
    await tell(stage, machine.id, {"busiest": evil, "logins": [{"user": "<b>", "idle": 5}]})
    page = (await grace.get(f"/workstations/{machine.id}")).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;, CPU 99%" in page
    assert "<script>alert" not in page


async def test_the_api_has_the_record_and_the_steps(
    stage: Stage, machine: Workstation, grace: httpx2.AsyncClient
) -> None:
    path = f"/api/v1/workstations/{machine.id}/usage"
    assert (await grace.get(path)).json() == {"newest": None, "is_current": False, "step_minutes": 1, "steps": []}
    await tell(stage, machine.id, TRAINING, {"gpu": 97, "typed": 0})
    answer = (await grace.get(path)).json()
    assert answer["is_current"] is True
    assert answer["newest"]["gpus"][0]["process"] == {"name": "python3", "age": 21700, "cpu": 180, "io": None}
    begin = (stage.clock() - timedelta(minutes=1)).replace(second=0)
    [step] = answer["steps"]
    assert (step["at"], step["gpu"], step["typed"], step["cpu"]) == (
        begin.isoformat().replace("+00:00", "Z"),
        97,
        0,
        None,
    )
    assert (await grace.get(path, params={"span": "week"})).json()["step_minutes"] == 60
    assert (await grace.get(path, params={"span": "x"})).status_code == 422
