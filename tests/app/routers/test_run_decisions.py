"""What people decide on a run's page: stop it, let it lose a disk, or not; and what the page says meanwhile."""

import re

import httpx2
import pytest

from app.models import LogLevel
from app.services import lifecycle
from tests.app.routers.lost_disk import await_approval
from tests.clients import create, refusal, restore, run_of
from tests.parts import MovingClock
from tests.stage import Stage

pytestmark = pytest.mark.anyio


@pytest.fixture
async def machine_id(grace: httpx2.AsyncClient) -> str:
    return await create(grace)


@pytest.fixture
async def run_id(grace: httpx2.AsyncClient, machine_id: str) -> str:
    return await run_of(grace, machine_id)


@pytest.fixture
async def asked_id(stage: Stage, grace: httpx2.AsyncClient, machine_id: str, run_id: str, clock: MovingClock) -> str:
    """A run whose plan would lose the disk."""
    await stage.carry_out(run_id)
    clock.advance(minutes=1)
    run = await restore(grace, machine_id)
    await await_approval(stage, run)
    return run


def _modes(page: str) -> list[str]:
    return re.findall(r'name="mode" value="(\w+)"', page)


async def test_a_run_that_changed_nothing_yet_has_one_button(
    stage: Stage, grace: httpx2.AsyncClient, run_id: str
) -> None:
    await stage.claim(run_id)
    page = (await grace.get(f"/runs/{run_id}")).text

    assert page.count(f'action="/runs/{run_id}/cancel"') == 1
    assert _modes(page) == []
    await grace.post(f"/runs/{run_id}/cancel")
    assert "Stopping" in (await grace.get(f"/runs/{run_id}")).text


async def test_a_run_that_applies_is_undone_gently_by_default_or_stopped_now(
    stage: Stage, grace: httpx2.AsyncClient, run_id: str
) -> None:
    await stage.apply(run_id)
    page = (await grace.get(f"/runs/{run_id}")).text

    assert _modes(page) == ["undo", "now"]
    assert page.index("Stop after this step and roll back") < page.index("Stop now")
    await grace.post(f"/runs/{run_id}/cancel", data={"mode": "undo"})
    stopping = (await grace.get(f"/runs/{run_id}")).text
    assert "Stopping" in stopping
    assert "Requested by Grace" in stopping
    assert _modes(stopping) == ["now"]


async def test_terraform_is_killed_only_from_a_page_that_says_what_it_risks(
    stage: Stage, grace: httpx2.AsyncClient, run_id: str
) -> None:
    await stage.apply(run_id)
    assert _modes((await grace.get(f"/runs/{run_id}/kill")).text) == []
    await grace.post(f"/runs/{run_id}/cancel", data={"mode": "now"})
    page = (await grace.get(f"/runs/{run_id}")).text
    assert _modes(page) == []
    assert f'href="/runs/{run_id}/kill"' in page

    risky = (await grace.get(f"/runs/{run_id}/kill")).text
    assert _modes(risky) == ["force"]
    assert "Waiting is safer" in risky
    assert (await grace.post(f"/runs/{run_id}/cancel", data={"mode": "force"})).status_code == 303
    await refusal(grace, f"/runs/{run_id}/cancel", {"mode": "force"})


async def test_what_a_destroy_has_done_is_not_said_to_be_undone(
    stage: Stage, grace: httpx2.AsyncClient, machine_id: str, run_id: str, clock: MovingClock
) -> None:
    await stage.carry_out(run_id)
    clock.advance(minutes=1)
    await grace.post(f"/workstations/{machine_id}/destroy")
    destroy = await run_of(grace, machine_id)
    await stage.apply(destroy)
    page = (await grace.get(f"/runs/{destroy}")).text

    assert _modes(page) == ["now"]
    assert "Changes made so far are kept." in page
    await grace.post(f"/runs/{destroy}/cancel", data={"mode": "now"})
    assert "Changes made so far are kept." in (await grace.get(f"/runs/{destroy}")).text


@pytest.mark.parametrize("mode", ["gently", "", "\0"])
async def test_a_way_to_stop_that_does_not_exist_stops_nothing(
    grace: httpx2.AsyncClient, run_id: str, mode: str
) -> None:
    await refusal(grace, f"/runs/{run_id}/cancel", {"mode": mode or "x"})
    assert "Queued" in (await grace.get(f"/runs/{run_id}")).text


async def test_the_page_says_who_stopped_it(stage: Stage, grace: httpx2.AsyncClient, run_id: str) -> None:
    await stage.claim(run_id)
    await grace.post(f"/runs/{run_id}/cancel")
    async with stage.working_on(run_id) as (ctx, run):
        await lifecycle.cancel(ctx, run, is_undone=True)

    assert "canceled by Grace" in (await grace.get(f"/runs/{run_id}")).text


async def test_a_plan_that_loses_a_disk_is_shown_and_approved_by_the_disks_name(
    grace: httpx2.AsyncClient, machine_id: str, asked_id: str
) -> None:
    page = (await grace.get(f"/runs/{asked_id}")).text

    for shown in (
        "forces replacement",
        "(sensitive)",
        "(known after apply)",
        "because it cannot be changed in place",
    ):
        assert shown in page
    assert "1 more, known after apply" in page
    assert "labels.&lt;b&gt;" in page
    assert "&lt;i&gt;new&lt;/i&gt;" in page
    assert f'action="/runs/{asked_id}/cancel"' not in page
    wrong = await refusal(grace, f"/runs/{asked_id}/approve", {"confirm": "dev-1"})
    assert 'id="confirm-error"' in wrong.text
    right = await grace.post(f"/runs/{asked_id}/approve", data={"confirm": f" dev-1-{machine_id}-home "})
    assert right.status_code == 303
    approved = (await grace.get(f"/runs/{asked_id}")).text
    assert "approved by Grace" in approved
    assert "/approve" not in approved


async def test_discarding_leaves_everything_as_it_is(grace: httpx2.AsyncClient, machine_id: str, asked_id: str) -> None:
    assert "Approval required" in (await grace.get(f"/workstations/{machine_id}")).text
    assert (await grace.post(f"/runs/{asked_id}/discard")).status_code == 303
    assert "Discarded" in (await grace.get(f"/runs/{asked_id}")).text
    machine = (await grace.get(f"/workstations/{machine_id}")).text
    assert "Approval required" not in machine
    assert "Running" in machine


async def test_a_run_that_is_tried_again_says_when_and_why(
    stage: Stage, grace: httpx2.AsyncClient, run_id: str
) -> None:
    await stage.claim(run_id)
    await stage.write(run_id, "Error 503: backend", level=LogLevel.ERROR)
    async with stage.working_on(run_id) as (ctx, run):
        run.schedule_retry(ctx.now)
    page = (await grace.get(f"/runs/{run_id}")).text

    assert "Retrying automatically" in page
    assert "Google returned a temporary error" in page
    assert "Attempt 2 starts at" in page


async def test_a_queued_run_says_why_it_waits_and_the_one_before_it_what_comes_next(
    stage: Stage, grace: httpx2.AsyncClient, machine_id: str, run_id: str, clock: MovingClock
) -> None:
    assert "No worker is running" in (await grace.get(f"/runs/{run_id}")).text
    await stage.claim(run_id)
    clock.advance(minutes=1)
    queued = await restore(grace, machine_id)

    waiting = (await grace.get(f"/runs/{queued}")).text
    assert "Starts when the previous run has ended." in waiting
    assert f'href="/runs/{run_id}"' in waiting
    assert f'Queued next: <a href="/runs/{queued}"' in (await grace.get(f"/runs/{run_id}")).text
    assert "Provisioning" in (await grace.get(f"/workstations/{machine_id}")).text
    clock.advance(minutes=1)
    await grace.post(f"/workstations/{machine_id}/destroy")
    superseded = (await grace.get(f"/runs/{queued}")).text
    assert "Superseded by a newer request" in superseded
    assert f'href="/runs/{await _newest_of(grace, machine_id)}"' in superseded


async def _newest_of(grace: httpx2.AsyncClient, machine_id: str) -> str:
    """The newest run in the list of a machine's page."""
    page = (await grace.get(f"/workstations/{machine_id}")).text
    return str(re.findall(r"/runs/(\w+)", page[page.index('id="history"') :])[0])


async def test_an_admin_decides_too(ada: httpx2.AsyncClient, asked_id: str) -> None:
    assert (await ada.post(f"/runs/{asked_id}/discard")).status_code == 303


async def test_a_queued_run_that_is_canceled_leaves_the_status_to_the_run_before_it(
    stage: Stage, grace: httpx2.AsyncClient, machine_id: str, run_id: str
) -> None:
    await stage.apply(run_id)
    queued = await restore(grace, machine_id)
    await grace.post(f"/runs/{queued}/cancel")
    assert "Provisioning" in (await grace.get(f"/workstations/{machine_id}")).text
