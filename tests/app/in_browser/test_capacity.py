"""Capacity as a browser shows it: the form, a wait, and what a workstation does."""

import httpx2
import pytest

from app.models.placement import Placement
from app.services import lifecycle
from app.services.catalog import zone_capacities
from tests.app.in_browser.windows import Windows, problems
from tests.clients import create, run_of
from tests.stage import Stage

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("browser")]
L4 = "g2-standard-8"


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1280)])
async def test_the_pages_are_accessible_and_fit_the_window(
    stage: Stage, windows: Windows, grace: httpx2.AsyncClient, scheme: str, width: int
) -> None:
    async with stage.database.sessions.begin() as session:
        for zone, found in (("europe-west4-a", False), ("europe-west4-b", True)):
            await zone_capacities.record(session, Placement(zone, L4, spot=True), stage.clock(), found=found)
    fields = {"machine_type": L4, "spot": "yes", "other_zones": "none", "wait_hours": "24"}
    waiting = await create(grace, **fields)
    async with stage.working_on(await run_of(grace, waiting)) as (ctx, run):
        await lifecycle.claim(ctx, run, "a-worker", "a-host")
        run.note_shortage(run.placements[0], stage.clock())
        await lifecycle.await_capacity(ctx, run, has_changed_anything=False)
    page = await windows.page("grace", color_scheme=scheme, viewport={"width": width, "height": 900})
    found_there: list[str] = []
    paths = (
        *("/", f"/workstations/new?machine_type={L4}&spot=yes&other_pricing=yes"),
        *(f"/workstations/{waiting}", f"/workstations/{waiting}/capacity"),
    )
    for path in paths:
        await page.goto(path)
        found_there += await problems(page)

    assert found_there == []
