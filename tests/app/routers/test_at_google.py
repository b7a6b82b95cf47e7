"""The workstation's page and what Google says of its machine."""

from datetime import datetime, timedelta

import httpx2
import pytest

from app.models import MachineEventKind as K
from app.models import Workstation
from app.services.workstations import observations
from app.services.workstations.observations import Cause, Sighting
from tests.clients import restore
from tests.stage import Stage

pytestmark = pytest.mark.anyio


async def says(stage: Stage, machine: Workstation, google_status: str, cause: Cause | None = None) -> None:
    """Google does, and the worker notices."""
    await sees(stage, machine, Sighting(google_status), cause)


async def sees(stage: Stage, machine: Workstation, seen: Sighting, cause: Cause | None = None) -> None:
    """The worker does."""
    async with stage.database.sessions.begin() as session:
        ctx = stage.context(session)
        await observations.lead(ctx, "w")
        await observations.observe(ctx, machine.id, seen, stage.clock(), cause)
        await observations.record_answer(session, stage.clock())


async def test_a_machine_deleted_outside_is_shown_and_created_again_by_one_click(
    stage: Stage, grace: httpx2.AsyncClient
) -> None:
    machine = await stage.make()
    await says(stage, machine, "ABSENT", Cause("op-1", K.DELETED, stage.clock(), "linus@example.com"))
    page = (await grace.get(f"/workstations/{machine.id}")).text
    for shown in ("Deleted at Google", "This machine was deleted outside the portal", "linus@example.com deleted it"):
        assert shown in page
    assert "ssh dev-1" not in page
    await stage.carry_out(await restore(grace, machine.id))
    page = (await grace.get(f"/workstations/{machine.id}")).text
    assert "Create machine again" not in page
    assert "Deleted outside the portal" in page


async def test_a_preempted_machine_can_be_started_and_costs_its_disks(stage: Stage, grace: httpx2.AsyncClient) -> None:
    machine = await stage.make(spot=True)
    price = (await grace.get(f"/api/v1/workstations/{machine.id}")).json()["price_per_hour_usd"]
    await says(stage, machine, "TERMINATED", Cause("op-1", K.PREEMPTED, stage.clock(), "system"))
    page = (await grace.get(f"/workstations/{machine.id}")).text
    for shown in ("Preempted", "Google stopped this Spot machine", "while it is stopped"):
        assert shown in page
    told = (await grace.get(f"/api/v1/workstations/{machine.id}")).json()
    assert (told["status"], told["google_status"]) == ("preempted", "TERMINATED")
    assert float(told["price_per_hour_usd"]) < float(price)
    assert (await grace.post(f"/workstations/{machine.id}/start")).status_code == 303


async def test_what_google_does_by_itself_is_said_while_it_lasts(stage: Stage, grace: httpx2.AsyncClient) -> None:
    machine = await stage.make()
    await says(stage, machine, "REPAIRING")
    assert "Google is moving this machine to another host." in (await grace.get(f"/workstations/{machine.id}")).text
    await says(stage, machine, "RUNNING")
    assert "moving this machine" not in (await grace.get(f"/workstations/{machine.id}")).text


async def test_the_page_and_the_metrics_say_how_old_their_knowledge_is(stage: Stage, grace: httpx2.AsyncClient) -> None:
    machine = await stage.make()
    await says(stage, machine, "RUNNING")
    assert "Google is not answering" not in (await grace.get(f"/workstations/{machine.id}")).text
    stage.clock.advance(minutes=5)
    async with stage.database.sessions.begin() as session:
        await observations.record_answer(session, stage.clock(), "503 <Backend> error")
    page = (await grace.get(f"/workstations/{machine.id}")).text
    assert "Google is not answering" in page
    assert "503 &lt;Backend&gt; error" in page
    assert "stationmaster_machines_age_seconds 300.0" in (await grace.get("/metrics")).text


@pytest.mark.parametrize(
    ("machine_type", "can"), [("e2-standard-4", True), ("n1-standard-8", False), ("g2-standard-8", False)]
)
async def test_only_machines_without_gpu_are_offered_to_be_suspended(
    stage: Stage, grace: httpx2.AsyncClient, machine_type: str, can: bool
) -> None:
    machine = await stage.make(machine_type=machine_type)
    page = (await grace.get(f"/workstations/{machine.id}")).text
    asked = await grace.post(f"/workstations/{machine.id}/suspend", follow_redirects=True)
    assert (f'href="/workstations/{machine.id}/suspend"' in page, "Suspending" in asked.text) == (can, can)


async def test_a_run_limit_is_said_warned_of_and_named_once_it_was_reached(
    stage: Stage, grace: httpx2.AsyncClient, ada: httpx2.AsyncClient
) -> None:
    machine = await stage.make()
    path = f"/workstations/{machine.id}"
    assert "run limit" not in (await grace.get(path)).text
    assert (await ada.put("/api/v1/team/policy", json={"run_limit_hours": 72})).status_code == 200
    assert "From its next start on, Google stops it after 3 days" in (await grace.get(path)).text

    at = stage.clock() + timedelta(hours=30)
    await sees(stage, machine, Sighting("RUNNING", stage.clock(), run_limit_at=at))
    page = (await grace.get(path)).text
    assert "whatever it does: the team’s run limit" in page
    assert "Google stops dev-1 soon" not in page
    answer = (await grace.get(f"/api/v1{path}")).json()
    assert datetime.fromisoformat(answer["run_limit_at"]) == at

    stage.clock.advance(hours=29)
    assert "Google stops dev-1 soon" in (await grace.get(path)).text
    stage.clock.advance(hours=1)
    await sees(stage, machine, Sighting("TERMINATED", ended_at=at), Cause("op-1", K.STOPPED, at, "system"))
    page = (await grace.get(path)).text
    assert "Stopped at the team’s run limit" in page
    assert "Stopped outside the portal" not in page
    assert "Google stops dev-1 soon" not in page


async def test_a_stop_long_before_the_run_limit_is_somebody_s(stage: Stage, grace: httpx2.AsyncClient) -> None:
    machine = await stage.make()
    await sees(stage, machine, Sighting("RUNNING", run_limit_at=stage.clock() + timedelta(hours=1)))
    await sees(stage, machine, Sighting("TERMINATED"), Cause("op-1", K.STOPPED, stage.clock(), "linus@example.com"))
    assert "Stopped outside the portal" in (await grace.get(f"/workstations/{machine.id}")).text
