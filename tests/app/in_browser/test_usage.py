"""Charts of what a machine did, as a browser shows them."""

import math
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import expect

from app.models import ActivityBlock
from app.models.activity import Minute
from app.models.activity_block import beginning
from app.services.workstations.activities import Span
from tests.app.in_browser.windows import Windows, problems
from tests.app.routers.test_usage import TRAINING, tell
from tests.stage import Stage

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("browser")]


async def worked(stage: Stage, workstation_id: str) -> None:
    """It has trained for weeks, with a gap of ten steps."""
    now = stage.clock()
    blocks: dict[tuple[str, int, datetime], ActivityBlock] = {}
    for step, count in ((1, 1440), (10, 1100), (60, 744)):
        for number in range(count):
            at = now.replace(second=0, microsecond=0) - timedelta(minutes=step * (number + 1))
            wave = math.sin(number / 9)
            numbers: dict[str, Any] = {
                "gpu": 50 + 45 * wave,
                "cpu": 30 + 20 * wave,
                "memory": 41,
                "received": 2e6 * (1 + wave),
            }
            key = (workstation_id, step, beginning(at, step))
            block = blocks.setdefault(key, ActivityBlock.empty(*key))
            if not 20 <= number < 30:
                block.put(Minute.model_construct(at=at, disk=8e7 * max(0, wave), sent=1e4, typed=0, jobs=1, **numbers))
            block.is_folded = True
    async with stage.database.sessions.begin() as session:
        session.add_all(blocks.values())


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1280)])
async def test_what_would_end_is_accessible_where_it_is_asked(
    stage: Stage, windows: Windows, scheme: str, width: int
) -> None:
    machine = await stage.make("trainer", machine_type="g2-standard-4")
    await tell(stage, machine.id, TRAINING)
    page = await windows.page("grace", color_scheme=scheme, viewport={"width": width, "height": 900})
    found: list[str] = []
    for ending in ("stop", "restart", "suspend", "destroy", "change?machine_type=g2-standard-8"):
        await page.goto(f"/workstations/{machine.id}/{ending}")
        await expect(page.get_by_text("python3, GPU 97%, for 6 h")).to_be_visible()
        found += await problems(page)
    assert found == []
    # The form of the change fetches itself again at each choice.
    async with page.expect_response("**/change?*"):
        await page.get_by_label("Yes, end what runs").check()
    await expect(page.get_by_label("Yes, end what runs")).to_be_checked()
    await page.goto(f"/workstations/{machine.id}/stop")
    await page.get_by_role("button", name="Stop trainer").click()
    await expect(page.get_by_role("alert")).to_contain_text("Confirm that this may end: python3")
    await page.get_by_label("Yes, end what runs").check()
    await page.get_by_role("button", name="Stop trainer").click()
    await expect(page.get_by_role("heading", name="trainer", exact=True)).to_be_visible()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("light", 360), ("dark", 1280)])
async def test_the_charts_are_accessible_and_fit_the_window(
    stage: Stage, windows: Windows, scheme: str, width: int
) -> None:
    machine = await stage.make("trainer", machine_type="g2-standard-4")
    await worked(stage, machine.id)
    await tell(stage, machine.id, TRAINING)
    page = await windows.page("grace", color_scheme=scheme, viewport={"width": width, "height": 900})
    found: list[str] = []
    for span in Span:
        await page.goto(f"/workstations/{machine.id}?usage={span}")
        await page.get_by_text("Show as table").click()
        found += await problems(page)
        assert await page.locator(".chart polyline").count() >= 5
        widths = await page.locator(".chart svg").evaluate_all("all => all.map(svg => svg.clientWidth)")
        assert min(widths) > 200
    assert found == []


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1280)])
async def test_the_last_hours_of_all_machines_fit_the_window(
    stage: Stage, windows: Windows, scheme: str, width: int
) -> None:
    for name in ("trainer", "another-trainer"):
        await worked(stage, (await stage.make(name, machine_type="g2-standard-4")).id)
    page = await windows.page("ada", color_scheme=scheme, viewport={"width": width, "height": 900})
    await page.goto("/admin/workstations")
    await expect(page.get_by_role("img", name="GPU in the last hour")).to_have_count(2)
    assert await problems(page) == []
