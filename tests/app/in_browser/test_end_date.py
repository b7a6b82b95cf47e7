"""End dates, machines that nobody starts, and the team's policy as a browser shows them."""

from datetime import timedelta

import httpx2
import pytest
from playwright.async_api import expect

from app.models import MachineEvent, MachineEventKind, Workstation
from tests.app.in_browser.windows import Windows, problems
from tests.stage import Stage

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("browser")]


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1280)])
async def test_the_pages_are_accessible_and_fit_the_window(
    stage: Stage, windows: Windows, grace: httpx2.AsyncClient, scheme: str, width: int
) -> None:
    ending, dormant = await stage.make("a-name-as-long-as-they-can-be1"), await stage.make("dev-2")
    path = f"/workstations/{ending.id}"
    await grace.post(f"{path}/end-date", data={"ends_on": stage.clock().date().isoformat()})
    async with stage.database.sessions.begin() as session:
        row = await session.get_one(Workstation, dormant.id)
        row.observe("TERMINATED", stage.clock.advance(days=-40))
        kind, detail = MachineEventKind.END_DATE_NEAR, "Stops on 3 Mar 2026, 12:00 UTC."
        session.add(MachineEvent(id="e", workstation_id=ending.id, kind=kind, at=stage.clock(), detail=detail))
    stage.clock.advance(days=40)
    view = {"width": width, "height": 900}
    page = await windows.page("grace", color_scheme=scheme, viewport=view)
    found: list[str] = []
    for each in (path, f"{path}/end-date", "/", "/workstations/new"):
        await page.goto(each)
        found += await problems(page)
    await page.goto("/")
    await expect(page.get_by_text("Do you still need dev-2?")).to_be_visible()
    admin = await windows.page("ada", color_scheme=scheme, viewport=view)
    await admin.goto("/admin/policy")
    await admin.get_by_label("Days from stop to deletion").fill("0")
    await admin.get_by_role("button", name="Save policy").click()
    await expect(admin.locator("#grace_days-error")).to_have_text("Enter a whole number from 1 to 90.")
    found += await problems(admin)
    assert found == []


@pytest.mark.parametrize("has_javascript", [True, False])
async def test_an_end_date_is_extended_and_a_machine_kept_with_one_click(
    stage: Stage, windows: Windows, grace: httpx2.AsyncClient, has_javascript: bool
) -> None:
    machine = await stage.make()
    tomorrow = stage.clock().date() + timedelta(days=1)
    await grace.post(f"/workstations/{machine.id}/end-date", data={"ends_on": tomorrow.isoformat()})
    page = await windows.page("grace", java_script_enabled=has_javascript)
    await page.goto("/")
    await page.get_by_role("button", name="Extend by 7 days").click()
    await expect(page.get_by_text("End date saved.")).to_be_visible()
    await expect(page.get_by_text(f"{tomorrow + timedelta(days=7):%a %-d %b %Y}")).to_be_visible()
    async with stage.database.sessions.begin() as session:
        row = await session.get_one(Workstation, machine.id)
        row.set_end(None, stage.clock())
        row.observe("TERMINATED", stage.clock.advance(days=-40))
    stage.clock.advance(days=40)
    await page.goto("/")
    await page.get_by_role("button", name="Keep it").click()
    await expect(page.get_by_text("Kept. You are asked again if it stays stopped.")).to_be_visible()
