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
from app.services import runs
from app.services.workstations import reports, running_now
from tests.clients import refusal
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
        assert "mean 50% · most 50%" in await section(grace, f"{path}?usage={span}")
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


@pytest.mark.parametrize(("minute", "second"), [(2, 0), (2, 30), (0, 0), (59, 0), (59, 30)])
async def test_the_list_of_all_machines_draws_their_last_hour(
    stage: Stage, machine: Workstation, ada: httpx2.AsyncClient, minute: int, second: int
) -> None:
    """In the block of the hour before, in that of this hour, or in both."""
    await stage.make("quiet")
    stage.clock.now = stage.clock.now.replace(minute=minute, second=second)
    await tell(stage, machine.id, TRAINING, {"gpu": 97, "cpu": 40}, {"gpu": 0}, {"gpu": 55, "cpu": 20}, {"gpu": 1})
    page = (await ada.get("/admin/workstations")).text
    assert 'aria-label="GPU in the last hour, last 97%"' in page
    assert 'aria-label="CPU in the last hour, last 40%"' in page
    [lines] = re.findall(r'aria-label="GPU in the last hour.*?</svg>', page, re.DOTALL)
    assert [place.partition(",")[2] for place in re.findall(r"[0-9.]+,[0-9.]+", lines)] == ["54.5", "25.3", "55", "2.6"]
    assert page.count("<polyline") == 3
    stage.clock.advance(minutes=10)
    assert 'aria-label="GPU in the last hour, last unknown"' in (await ada.get("/admin/workstations")).text


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


@pytest.mark.parametrize("ending", ["stop", "restart", "suspend", "destroy"])
async def test_whoever_ends_work_is_told_of_it_and_asked_again(
    stage: Stage, grace: httpx2.AsyncClient, ending: str
) -> None:
    # Google suspends no machine with a GPU.
    machine = await stage.make()
    await tell(stage, machine.id, {"busiest": {"name": "wget", "age": 180, "cpu": 40}})
    path = f"/workstations/{machine.id}/{ending}"
    page = (await grace.get(path)).text
    assert "wget, CPU 40%, for 3 min" in page
    assert 'name="end_work"' in page
    said = (await refusal(grace, path)).text
    assert "Confirm that this may end: wget, CPU 40%, for 3 min." in said
    async with stage.database.sessions() as session:
        assert not await runs.pending(session, machine.id)
    assert (await grace.post(path, data={"end_work": "yes"})).headers["location"] == f"/workstations/{machine.id}"
    await stage.pending(machine.id)


async def test_an_idle_shell_or_a_silent_agent_is_shown_and_not_asked_about(
    stage: Stage, grace: httpx2.AsyncClient
) -> None:
    machine = await stage.make()
    path = f"/workstations/{machine.id}/stop"
    assert "What runs is <strong>unknown</strong>" in (await grace.get(path)).text
    idle = {"gpus": [], "busiest": {"name": "bash", "cpu": 0}, "logins": [{"user": "grace", "idle": 90}]}
    await tell(stage, machine.id, idle)
    page = (await grace.get(path)).text
    assert "Nothing but an idle shell runs. Logged in: grace, idle for 1 min." in page
    assert 'name="end_work"' not in page
    assert (await grace.post(path)).headers["location"] == f"/workstations/{machine.id}"


async def test_a_change_asks_only_if_it_stops_the_machine(
    stage: Stage, machine: Workstation, grace: httpx2.AsyncClient
) -> None:
    await tell(stage, machine.id, TRAINING)
    path = f"/workstations/{machine.id}/change"
    larger, other = {"disk_size_gb": "200"}, {"machine_type": "g2-standard-8"}
    assert 'name="end_work"' not in (await grace.get(path, params=larger)).text
    assert 'name="end_work"' in (await grace.get(path, params=other)).text
    assert "python3, GPU 97%, for 6 h" in (await refusal(grace, path, other)).text
    assert (await grace.post(path, data={**other, "end_work": "yes"})).status_code == 303
    await stage.pending(machine.id)


async def test_a_program_that_stops_a_machine_is_not_asked(
    stage: Stage, machine: Workstation, grace: httpx2.AsyncClient
) -> None:
    await tell(stage, machine.id, TRAINING)
    assert (await grace.post(f"/api/v1/workstations/{machine.id}/stop")).status_code == 202


@pytest.mark.parametrize(
    ("record", "work"),
    [
        ({"gpus": [{"use": 0, "process": {"name": "python3", "cpu": 0}}]}, []),
        ({"gpus": [{"use": 0, "process": {"name": "python3", "cpu": 5, "age": 5}}]}, ["python3, GPU 0%, for 5 s"]),
        ({"gpus": [{"process": {"name": "python3"}}]}, ["python3, GPU use unknown"]),
        ({"multiplexers": [{"kind": "tmux", "job": "rsync", "has_job": True}]}, ["rsync in tmux"]),
        ({"multiplexers": [{"kind": "tmux", "has_job": False}]}, []),
        ({"kernels": 2, "busy_kernels": 1}, ["2 Jupyter kernels, 1 of them busy"]),
        ({"received": 6e7}, ["a download, 60 MB/s"]),
        ({"busiest": {"name": "cc1", "cpu": 99.7, "age": 90000}}, ["cc1, CPU 100%, for 1 d"]),
    ],
)
async def test_what_counts_as_work(stage: Stage, machine: Workstation, record: dict[str, Any], work: list[str]) -> None:
    await tell(stage, machine.id, record)
    found = running_now.of(await stage.row(Workstation, machine.id), stage.clock())
    assert found
    assert found.work == work
