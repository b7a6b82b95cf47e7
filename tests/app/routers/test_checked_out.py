"""The pages of a machine that somebody works on by hand."""

from datetime import timedelta

import httpx2
import pytest
from fastapi import FastAPI

from app.models import Run
from app.services.by_hand import checkouts
from tests.clients import restore
from tests.parts import MovingClock
from tests.stage import Stage

pytestmark = pytest.mark.anyio


@pytest.fixture
async def machine_id(stage: Stage) -> str:
    return (await stage.make()).id


@pytest.fixture
async def run_id(stage: Stage, machine_id: str) -> str:
    """Ada has it for eight hours."""
    async with stage.acting("ada") as ctx:
        return (await checkouts.check_out(ctx, machine_id, timedelta(hours=8))).run.id


async def test_they_say_who_has_it_and_until_when(grace: httpx2.AsyncClient, machine_id: str, run_id: str) -> None:
    for path in (f"/runs/{run_id}", f"/workstations/{machine_id}"):
        page = (await grace.get(path)).text
        assert "Ada has checked out this stack" in page
        assert "2 Mar 2026, 17:31 UTC" in page
        assert "/cancel" not in page
    run_page = (await grace.get(f"/runs/{run_id}")).text
    assert "<title>Manual changes to dev-1" in run_page
    assert "Checked out by Ada at" in run_page
    answer = (await grace.get(f"/api/v1/runs/{run_id}")).json()
    assert (answer["kind"], answer["status"]) == ("manual", "applying")


async def test_a_request_made_meanwhile_says_what_it_waits_for(
    grace: httpx2.AsyncClient, machine_id: str, run_id: str
) -> None:
    queued = await restore(grace, machine_id)
    page = (await grace.get(f"/runs/{queued}")).text
    assert "Starts when the previous run has ended" in page
    assert f'href="/runs/{run_id}"' in page
    assert f'href="/runs/{queued}"' in (await grace.get(f"/runs/{run_id}")).text


async def test_once_its_time_is_over_the_page_says_what_to_do(
    app: FastAPI, grace: httpx2.AsyncClient, run_id: str, clock: MovingClock
) -> None:
    portal = app.state.portal
    clock.advance(hours=9)
    async with portal.database.sessions.begin() as session:
        run = await session.get_one(Run, run_id, with_for_update=True)
        await checkouts.expire(portal.context(session), run)
    page = (await grace.get(f"/runs/{run_id}")).text
    assert "expired before it was checked in" in page
    assert "/retry" not in page
