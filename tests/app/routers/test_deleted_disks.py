"""What becomes of a deleted data disk is said before, chosen, and listed where its owner looks."""

import re
from datetime import datetime, timedelta

import httpx2
import pytest

from app.models import Run, SnapshotReason, Workstation
from app.services.people import team_policy
from app.services.people.team_policy import TeamPolicy
from tests.clients import refusal
from tests.stage import Stage
from tests.steps import audit_entries

pytestmark = pytest.mark.anyio
RESTS = "The files on it rest as a snapshot until"


async def rest_days(stage: Stage, days: int) -> None:
    async with stage.acting("ada") as ctx:
        await team_policy.change(ctx, TeamPolicy(rest_days=days))


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))


async def test_the_question_says_until_when_the_files_rest_and_at_what_price(
    grace: httpx2.AsyncClient, stage: Stage
) -> None:
    machine = await stage.make(disk_size_gb=200)
    path = f"/workstations/{machine.id}/destroy"
    until = stage.clock() + timedelta(days=14)
    asked = words((await grace.get(path)).text)
    assert RESTS in asked
    # 200 GB at $0.053.
    assert "for at most $10.60 per month" in asked
    assert f"{RESTS} {until:%-d %b %Y, %H:%M} UTC" in asked

    await rest_days(stage, 0)
    asked = (await grace.get(path)).text
    assert (RESTS in asked, "at_once" in asked) == (False, False)
    assert "All files on it are deleted" in asked


@pytest.mark.parametrize(("form", "days"), [({}, 14), ({"at_once": "yes"}, 0)])
async def test_the_files_rest_unless_their_owner_wants_them_gone(
    grace: httpx2.AsyncClient, stage: Stage, form: dict[str, str], days: int
) -> None:
    machine = await stage.make()
    await grace.post(f"/workstations/{machine.id}/destroy", data={"keep_disk": "no", **form})
    run = await stage.row(Run, await stage.pending(machine.id))
    assert (run.rest_days, run.inputs["disk_only"]) == (days, False)
    async with stage.database.sessions() as session:
        [entry] = await audit_entries(session, action="workstation.destroy")
    assert entry.after.get("at_once", False) is bool(form)


async def test_the_choice_outlives_a_refusal(grace: httpx2.AsyncClient, stage: Stage) -> None:
    machine = await stage.make()
    page = await refusal(grace, f"/workstations/{machine.id}/destroy", {"keep_disk": "no", "at_once": "perhaps"})
    assert re.findall(r'value="(\w+)"\s+checked', page.text) == ["no", "yes"]
    assert not (await stage.row(Workstation, machine.id)).is_busy


async def test_a_script_chooses_too(grace: httpx2.AsyncClient, stage: Stage) -> None:
    machine = await stage.make()
    path = f"/api/v1/workstations/{machine.id}"
    assert (await grace.delete(path, params={"at_once": "perhaps"})).status_code == 422
    run_id = (await grace.delete(path)).json()["run_id"]
    assert (await stage.row(Run, run_id)).rest_days == 14
    assert (await grace.delete(path, params={"at_once": True})).json()["run_id"] == run_id
    assert (await stage.row(Run, run_id)).rest_days == 0


async def test_a_disk_that_rests_is_found_on_the_dashboard_and_on_its_page(
    grace: httpx2.AsyncClient, linus: httpx2.AsyncClient, stage: Stage
) -> None:
    machine = await stage.make()
    run = await stage.destroy(machine.id, keep_disk=False)
    snapshot = await stage.snapshot(machine.id, reason=SnapshotReason.DELETED, expires_at=stage.clock())
    assert "Deleted disks" not in (await grace.get("/")).text
    await stage.carry_out(run.id)

    for path in ("/", f"/workstations/{machine.id}"):
        page = (await grace.get(path)).text
        assert f"/workstations/new?disk_snapshot={snapshot.id}&amp;" in page
        assert f'href="/workstations/{machine.id}/snapshots/{snapshot.id}/delete"' in page
        assert "3.0 GB stored · $0.16 per month · until" in words(page)
    assert "Only snapshots are billed" in page
    assert "Deleted disks" not in (await linus.get("/")).text
    question = await grace.get(f"/workstations/{machine.id}/snapshots/{snapshot.id}/delete")
    assert "The data disk has been deleted" in question.text

    [listed] = (await grace.get(f"/api/v1/workstations/{machine.id}/snapshots")).json()
    assert (listed["reason"], datetime.fromisoformat(listed["expires_at"])) == ("deleted", snapshot.expires_at)
