"""The page of the end date, and what other pages say of it and of machines that nobody starts."""

import re
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from fastapi import FastAPI

from app.models import Member, Workstation
from app.services.workstations import observations
from app.services.workstations.observations import Sighting
from tests.clients import refusal, shown, signed_in
from tests.stage import Stage
from tests.steps import audit_entries

pytestmark = pytest.mark.anyio


@pytest.fixture
async def path(stage: Stage) -> str:
    """A machine that runs, on a Monday at 09:31 UTC."""
    return f"/workstations/{(await stage.make()).id}"


async def come_back(browser: httpx2.AsyncClient, app: FastAPI, name: str) -> None:
    """Their session has ended meanwhile: they sign in again."""
    browser.cookies.update((await signed_in(app, name)).cookies)


async def stop(stage: Stage, path: str) -> None:
    """Somebody has stopped it at Google."""
    async with stage.database.sessions.begin() as session:
        seen = Sighting("TERMINATED")
        await observations.observe(stage.context(session), path.rpartition("/")[2], seen, stage.clock())


async def test_an_end_date_is_set_extended_and_removed(stage: Stage, grace: httpx2.AsyncClient, path: str) -> None:
    assert "This machine has no end date." in await shown(grace, path)
    saved = await grace.post(f"{path}/end-date", data={"ends_on": "2026-03-31"})
    assert saved.headers["location"] == f"{path}?done=end_date_saved"
    page = await shown(grace, path)
    assert "Last day Tue 31 Mar 2026" in page
    assert "Stops 1 Apr 2026, 12:00 UTC" in page
    assert "ends in" not in page
    assert 'value="2026-03-31"' in (await grace.get(f"{path}/end-date")).text
    [day] = re.findall(r'value="(2026-04-07)"', (await grace.get(path)).text)
    # The button names the day, so that a second click changes nothing.
    for _ in range(2):
        await grace.post(f"{path}/end-date", data={"ends_on": day})
    assert "Last day Tue 7 Apr 2026" in await shown(grace, path)
    removed = await grace.post(f"{path}/end-date/remove")
    assert removed.headers["location"] == f"{path}?done=end_date_removed"
    assert "This machine has no end date." in await shown(grace, path)
    async with stage.database.sessions() as session:
        entries = await audit_entries(session, action="workstation.set_end_date")
        [entry] = await audit_entries(session, action="workstation.remove_end_date")
    assert {"ends_on": "2026-03-31"} in [each.after for each in entries]
    assert (entry.actor, entry.before) == ("grace@example.com", {"ends_on": "2026-04-07"})


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("2026-03-01", "This day has passed. Choose today or a later day."),
        ("2026-02-30", "Enter a day, such as 2026-03-31."),
        ("", "Enter a day, such as 2026-03-31."),
        ("31.03.2026", "Enter a day, such as 2026-03-31."),
        ("1772000000", "Enter a day, such as 2026-03-31."),
        ("9999-12-31", "Choose a day in the next five years."),
    ],
)
async def test_what_does_not_fit_is_said_at_its_field(
    grace: httpx2.AsyncClient, path: str, typed: str, sentence: str
) -> None:
    page = (await refusal(grace, f"{path}/end-date", {"ends_on": typed})).text
    assert re.search(rf'id="ends_on-error".*?{re.escape(sentence)}', page, re.DOTALL)
    assert f'value="{typed}"' in page


async def test_a_new_machine_has_the_end_date_of_its_form(stage: Stage, grace: httpx2.AsyncClient) -> None:
    form = {"name": "dev-2", "machine_type": "e2-standard-4", "ends_on": "2026-03-01"}
    page = (await refusal(grace, "/workstations", form)).text
    assert re.search(r'id="ends_on-error".*?This day has passed', page, re.DOTALL)
    created = await grace.post("/workstations", data={**form, "ends_on": "2026-03-09"})
    assert "Last day Mon 9 Mar 2026" in await shown(grace, created.headers["location"])


async def test_pages_say_that_it_ends_and_what_follows(
    app: FastAPI, stage: Stage, grace: httpx2.AsyncClient, path: str
) -> None:
    await grace.post(f"{path}/end-date", data={"ends_on": "2026-03-12"})
    stage.clock.now = datetime(2026, 3, 6, 12, 0, tzinfo=UTC)
    for page in (path, "/"):
        assert "dev-1 ends in 7 days" in await shown(grace, page)
    stage.clock.now = datetime(2026, 3, 13, 11, 0, tzinfo=UTC)
    await come_back(grace, app, "grace")
    assert "dev-1 ends in 1 day " in await shown(grace, "/")
    stage.clock.now = datetime(2026, 3, 13, 12, 0, tzinfo=UTC)
    assert "The end date of dev-1 has passed It is about to be stopped." in await shown(grace, "/")
    async with stage.database.sessions.begin() as session:
        row = await session.get_one(Workstation, path.rpartition("/")[2])
        row.become_stopped()
        row.deletes_at = stage.clock() + timedelta(days=7)
    assert "It is deleted on 20 Mar 2026, 12:00 UTC . Its data disk is kept, and billed." in await shown(grace, "/")
    refused = await refusal(grace, f"{path}/start")
    assert "The end date of dev-1 has passed." in refused.text
    await grace.post(f"{path}/end-date", data={"ends_on": "2026-03-20"})
    assert "The end date of dev-1" not in await shown(grace, "/")
    assert (await grace.post(f"{path}/start")).headers["location"] == path


async def test_the_page_says_that_the_end_date_counts_before_office_hours(
    app: FastAPI, stage: Stage, grace: httpx2.AsyncClient, path: str
) -> None:
    hours = {"start": "09:00", "stop": "19:00", "days": ["mon"], "time_zone": "UTC"}
    await grace.post(f"{path}/office-hours", data=hours)
    await grace.post(f"{path}/end-date", data={"ends_on": "2026-03-12"})
    assert "After the end date, office hours don&#39;t start this machine" in await shown(grace, path)
    stage.clock.now = datetime(2026, 3, 13, 12, 0, tzinfo=UTC)
    await come_back(grace, app, "grace")
    assert "The end date counts: office hours don&#39;t start this machine any more." in await shown(grace, path)


async def test_a_machine_that_nobody_starts_is_asked_about_and_kept(
    app: FastAPI, stage: Stage, grace: httpx2.AsyncClient, ada: httpx2.AsyncClient, path: str
) -> None:
    await stop(stage, path)
    stage.clock.advance(days=29)
    await come_back(grace, app, "grace")
    await come_back(ada, app, "ada")
    assert "Do you still need" not in await shown(grace, "/")
    stage.clock.advance(days=1)
    for page in ("/", path):
        text = await shown(grace, page)
        assert "Do you still need dev-1?" in text
        assert "per month" in text
        assert "Delete it, keep the disk" in text
    assert "dev-1 of grace@example.com was stopped" in await shown(ada, "/")
    kept = await grace.post(f"{path}/keep")
    assert kept.headers["location"] == f"{path}?done=workstation_kept"
    assert "Do you still need" not in await shown(grace, "/")
    assert "was stopped" not in await shown(ada, "/")
    stage.clock.advance(days=30)
    await come_back(grace, app, "grace")
    assert "Do you still need dev-1?" in await shown(grace, "/")
    async with stage.database.sessions() as session:
        [entry] = await audit_entries(session, action="workstation.keep")
    assert (entry.actor, entry.thing_name) == ("grace@example.com", "dev-1")


async def test_a_machine_that_nobody_starts_is_deleted_by_one_click(
    app: FastAPI, stage: Stage, grace: httpx2.AsyncClient, path: str
) -> None:
    await stop(stage, path)
    stage.clock.advance(days=30)
    await come_back(grace, app, "grace")
    page = (await grace.get("/")).text
    assert re.search(rf'action="{path}/destroy">.*?name="keep_disk" value="yes"', page, re.DOTALL)
    await grace.post(f"{path}/destroy", data={"keep_disk": "yes"})
    await stage.carry_out(await stage.pending(path.rpartition("/")[2]))
    row = await stage.row(Workstation, path.rpartition("/")[2])
    assert (row.is_destroyed, row.disk_kept) == (True, True)


@pytest.mark.parametrize(("is_disabled", "said"), [(True, "is disabled"), (False, "has not signed in for a week")])
async def test_admins_are_told_of_machines_that_end_while_their_owner_is_away(
    app: FastAPI,
    stage: Stage,
    grace: httpx2.AsyncClient,
    ada: httpx2.AsyncClient,
    path: str,
    is_disabled: bool,
    said: str,
) -> None:
    await grace.post(f"{path}/end-date", data={"ends_on": "2026-03-16"})
    assert "dev-1 ends" not in await shown(ada, "/")
    stage.clock.advance(days=9)
    await come_back(ada, app, "ada")
    if is_disabled:
        row = await stage.row(Workstation, path.rpartition("/")[2])
        async with stage.database.sessions.begin() as session:
            (await session.get_one(Member, row.owner_id)).disabled_at = stage.clock()
    assert f"dev-1 ends, and grace@example.com {said}: extend it or let it be deleted" in await shown(ada, "/")
    # An admin extends it as its owner would.
    await ada.post(f"{path}/end-date", data={"ends_on": "2026-05-16"})
    assert "dev-1 ends" not in await shown(ada, "/")


async def test_a_machine_that_is_being_deleted_gets_none(stage: Stage, grace: httpx2.AsyncClient, path: str) -> None:
    await stage.destroy(path.rpartition("/")[2])
    refused = await refusal(grace, f"{path}/end-date", {"ends_on": "2026-05-16"})
    assert "dev-1 is being deleted." in refused.text
