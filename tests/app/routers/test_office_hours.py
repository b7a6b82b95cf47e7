"""The page of office hours, and what other pages say of them."""

import re

import httpx2
import pytest

from app.models import Workstation
from tests.clients import refusal, shown
from tests.stage import Stage
from tests.steps import audit_entries

pytestmark = pytest.mark.anyio
FORM = {"start": "09:00", "stop": "19:00", "days": ["mon", "tue"], "time_zone": "Europe/Berlin"}


@pytest.fixture
async def path(stage: Stage, grace: httpx2.AsyncClient) -> str:
    """A machine that runs, on a Monday at 09:31 UTC, and has office hours."""
    path = f"/workstations/{(await stage.make()).id}"
    saved = await grace.post(f"{path}/office-hours", data=FORM)
    assert saved.headers["location"] == f"{path}?done=office_hours_saved"
    return path


async def test_office_hours_are_set_on_a_page_of_their_own(stage: Stage, grace: httpx2.AsyncClient, path: str) -> None:
    page = await shown(grace, path)
    for said in ("Stop 19:00", "Mon, Tue", "Europe/Berlin", "Next Stops at 19:00", "Skip today", "Turn off"):
        assert said in page
    form = (await grace.get(f"{path}/office-hours")).text
    assert re.search(r'value="mon"[^>]*checked', form)
    assert not re.search(r'value="wed"[^>]*checked', form)
    assert re.search(r"<option\s+selected>Europe/Berlin", form)
    assert "Stops at 19:00" in await shown(grace, "/")
    async with stage.database.sessions() as session:
        [entry] = await audit_entries(session, action="workstation.set_office_hours")
    assert (entry.actor, entry.after) == ("grace@example.com", {"office_hours": FORM})


async def test_the_form_suggests_working_days_and_leaves_the_zone_to_the_browser(
    stage: Stage, grace: httpx2.AsyncClient
) -> None:
    machine = await stage.make()
    assert "Set office hours" in (await grace.get(f"/workstations/{machine.id}")).text
    form = (await grace.get(f"/workstations/{machine.id}/office-hours")).text
    assert len(re.findall(r'name="days"[^>]*checked', form)) == 5
    assert re.search(r"<option value=\"\"\s+selected>Choose a time zone", form)


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"start": "24:00"}, "start", "Enter a time from 00:00 to 23:59, such as 19:00."),
        ({"stop": "9"}, "stop", "Enter a time from 00:00 to 23:59, such as 19:00."),
        ({"stop": "09:00"}, "stop", "Choose a time other than the start."),
        ({"start": "", "stop": ""}, "stop", "Enter a start, a stop, or both."),
        ({"days": []}, "days", "Choose at least one day."),
        ({"days": ["mon", "someday"]}, "days", "Choose days."),
        ({"time_zone": ""}, "time_zone", "Choose a time zone, such as Europe/Berlin."),
        ({"time_zone": "../../etc/passwd"}, "time_zone", "Choose a time zone, such as Europe/Berlin."),
    ],
)
async def test_what_does_not_fit_is_said_at_its_field(
    stage: Stage, grace: httpx2.AsyncClient, changes: dict[str, object], field: str, sentence: str
) -> None:
    path = f"/workstations/{(await stage.make()).id}/office-hours"
    page = (await refusal(grace, path, {**FORM, **changes})).text
    assert re.search(rf'id="{field}-error".*?{re.escape(sentence)}', page, re.DOTALL)
    assert page.count('class="field-error"') == 1
    assert 'value="tue"' in page


async def test_a_stop_is_warned_of_half_an_hour_before_and_called_off_by_one_click(
    stage: Stage, grace: httpx2.AsyncClient, path: str
) -> None:
    stage.clock.advance(hours=7, minutes=58)
    assert "by its office hours" not in await shown(grace, path)
    stage.clock.advance(minutes=1)
    page = await shown(grace, path)
    assert "Stops at 19:00 by its office hours" in page
    assert "Keep running today" in page
    answer = await grace.post(f"{path}/office-hours/skip")
    assert answer.headers["location"] == f"{path}?done=office_hours_skipped"
    page = await shown(grace, path)
    assert "Keep running today" not in page
    assert "Skipped Today" in page
    assert "Next Stops Tue at 19:00" in page
    await grace.post(f"{path}/office-hours/resume")
    assert "Keep running today" in await shown(grace, path)


async def test_they_are_turned_off_by_one_click(stage: Stage, grace: httpx2.AsyncClient, path: str) -> None:
    for _ in range(2):
        answer = await grace.post(f"{path}/office-hours/off")
        assert answer.headers["location"] == f"{path}?done=office_hours_off"
    assert "Set office hours" in await shown(grace, path)
    async with stage.database.sessions() as session:
        [entry] = await audit_entries(session, action="workstation.end_office_hours")
    assert entry.before == {"office_hours": FORM}
    refused = await refusal(grace, f"{path}/office-hours/skip")
    assert "dev-1 has no office hours." in refused.text


async def test_a_machine_that_is_off_says_when_it_starts(stage: Stage, grace: httpx2.AsyncClient, path: str) -> None:
    async with stage.database.sessions.begin() as session:
        (await session.get_one(Workstation, path.rpartition("/")[2])).become_stopped()
    assert "Starts Tue at 09:00" in await shown(grace, "/")


async def test_a_deleted_machine_gets_none(stage: Stage, grace: httpx2.AsyncClient, path: str) -> None:
    await stage.carry_out((await stage.destroy(path.rpartition("/")[2])).id)
    refused = await refusal(grace, f"{path}/office-hours", FORM)
    assert "dev-1 has been deleted, or is being deleted." in refused.text
