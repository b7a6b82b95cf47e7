"""Office hours as a browser shows them."""

from datetime import timedelta

import httpx2
import pytest
from playwright.async_api import expect

from app.models import MachineEvent, MachineEventKind
from tests.app.in_browser.windows import Windows, problems
from tests.stage import Stage

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("browser")]
EVERY_DAY = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1280)])
async def test_the_pages_are_accessible_and_fit_the_window(
    stage: Stage, windows: Windows, grace: httpx2.AsyncClient, scheme: str, width: int
) -> None:
    machine = await stage.make("a-name-as-long-as-they-can-be1")
    path = f"/workstations/{machine.id}"
    soon = stage.clock() + timedelta(minutes=20)
    form = {"start": "", "stop": f"{soon:%H:%M}", "days": EVERY_DAY, "time_zone": "UTC"}
    await grace.post(f"{path}/office-hours", data=form)
    async with stage.database.sessions.begin() as session:
        kind, detail = MachineEventKind.OFFICE_HOURS_SKIPPED, "Stop at 19:00: A run is in progress."
        session.add(MachineEvent(id="e", workstation_id=machine.id, kind=kind, at=stage.clock(), detail=detail))
    page = await windows.page("grace", color_scheme=scheme, viewport={"width": width, "height": 900})
    found: list[str] = []
    for each in (path, f"{path}/office-hours", "/"):
        await page.goto(each)
        found += await problems(page)
    await page.goto(f"{path}/office-hours")
    await page.get_by_label("Stop").fill("")
    for day in EVERY_DAY:
        await page.get_by_label(day.capitalize()).uncheck()
    await page.get_by_role("button", name="Save office hours").click()
    await expect(page.locator("#days-error")).to_have_text("Choose at least one day.")
    found += await problems(page)
    assert found == []


async def test_the_time_zone_is_the_browsers_own_unless_one_was_chosen(stage: Stage, windows: Windows) -> None:
    machine = await stage.make()
    context = await windows.open("grace", timezone_id="America/New_York")
    page = await context.new_page()
    await page.goto(f"/workstations/{machine.id}/office-hours")
    zone = page.get_by_label("Time zone")
    await expect(zone).to_have_value("America/New_York")
    await zone.select_option("Asia/Tokyo")
    await page.get_by_role("button", name="Save office hours").click()
    await page.get_by_role("link", name="Edit office hours").click()
    await expect(page.get_by_label("Time zone")).to_have_value("Asia/Tokyo")


async def test_without_javascript_the_time_zone_is_chosen(stage: Stage, windows: Windows) -> None:
    machine = await stage.make()
    page = await windows.page("grace", java_script_enabled=False)
    await page.goto(f"/workstations/{machine.id}/office-hours")
    await page.get_by_role("button", name="Save office hours").click()
    await expect(page.locator("#time_zone-error")).to_have_text("Choose a time zone, such as Europe/Berlin.")
    await page.get_by_label("Time zone").select_option("Europe/Berlin")
    await page.get_by_role("button", name="Save office hours").click()
    await expect(page.get_by_text("Office hours saved.")).to_be_visible()
