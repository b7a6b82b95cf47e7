"""The forms of machines on the narrowest phones."""

import httpx2
import pytest
from playwright.async_api import expect

from tests.app.in_browser.windows import Windows, problems
from tests.clients import create, run_of
from tests.stage import Stage

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("browser")]


async def test_the_price_and_the_button_stay_in_reach_at_320_pixels(
    stage: Stage, windows: Windows, grace: httpx2.AsyncClient
) -> None:
    machine_id = await create(grace)
    await stage.carry_out(await run_of(grace, machine_id))
    page = await windows.page("grace", viewport={"width": 320, "height": 640})
    forms = {"/workstations/new": "Create workstation", f"/workstations/{machine_id}/change": "Apply changes"}
    for path, label in forms.items():
        await page.goto(path)
        # One button, in sight before anything was scrolled, with the price beside it.
        await expect(page.get_by_role("button", name=label)).to_have_count(1)
        await expect(page.get_by_role("button", name=label)).to_be_in_viewport()
        await expect(page.locator(".reach").get_by_text("per hour")).to_be_in_viewport()
        assert await problems(page) == []
