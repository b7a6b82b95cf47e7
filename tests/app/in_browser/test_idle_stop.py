"""The idle stop as a browser shows it."""

import json
from datetime import timedelta

import httpx2
import pytest
from playwright.async_api import expect

from app.models import MachineEvent, MachineEventKind, Workstation
from tests.app.in_browser.windows import Windows, problems
from tests.app.models.test_idle_stop import IDLE
from tests.stage import Stage

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("browser")]


async def idle(stage: Stage, workstation_id: str) -> None:
    """It has been idle for 35 minutes, and its owner is warned."""
    now = stage.clock()
    async with stage.database.sessions.begin() as session:
        row = await session.get_one(Workstation, workstation_id)
        row.report = {**row.report, "activity": json.dumps({"at": now.isoformat(), **IDLE, "gpus": []})}
        row.running_at, row.idle_choice = now - timedelta(days=1), 60
        row.idle_since, row.idle_seen_at, row.idle_warned_at = now - timedelta(minutes=35), now, now
        kind, detail = MachineEventKind.KEPT, "By keep, typed on the machine, until 3 Mar 2026, 12:00 UTC."
        session.add(MachineEvent(id="e", workstation_id=workstation_id, kind=kind, at=now, detail=detail))


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1280)])
async def test_the_pages_are_accessible_and_fit_the_window(
    stage: Stage, windows: Windows, grace: httpx2.AsyncClient, scheme: str, width: int
) -> None:
    machine = await stage.make("a-name-as-long-as-they-can-be1")
    await idle(stage, machine.id)
    page = await windows.page("grace", color_scheme=scheme, viewport={"width": width, "height": 900})
    found: list[str] = []
    await page.goto(f"/workstations/{machine.id}")
    await expect(page.get_by_text("stops because it is idle")).to_be_visible()
    found += await problems(page)
    await page.goto(f"/workstations/{machine.id}/idle-stop")
    await page.get_by_label("Stop after idle minutes").fill("5")
    await page.get_by_role("button", name="Save idle stop").click()
    await expect(page.locator("#minutes-error")).to_contain_text("Enter a whole number from 60 to 1440")
    found += await problems(page)
    assert found == []


@pytest.mark.parametrize("has_javascript", [True, False])
async def test_a_machine_is_kept_with_one_click(stage: Stage, windows: Windows, has_javascript: bool) -> None:
    machine = await stage.make()
    await idle(stage, machine.id)
    page = await windows.page("grace", java_script_enabled=has_javascript)
    await page.goto(f"/workstations/{machine.id}")
    await page.get_by_role("button", name="Keep for 4 hours").first.click()
    await expect(page.get_by_text("Kept running.")).to_be_visible()
    await expect(page.get_by_text("stops because it is idle")).to_be_hidden()
    await page.get_by_role("button", name="Don't keep running").click()
    await expect(page.get_by_text("No longer kept running.")).to_be_visible()
