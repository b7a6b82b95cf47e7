"""The page of what is shared, as a browser shows it."""

from collections.abc import AsyncIterator
from itertools import combinations

import httpx2
import pytest
from fastapi import FastAPI
from playwright.async_api import FloatRect, Page, expect

from tests.app.in_browser.windows import Windows
from tests.app.in_browser.windows import problems as problems_of
from tests.app.routers.test_infrastructure import ALL_WELL, deploy, look
from tests.app.services.shared.infrastructure_samples import EVERYTHING, NOTHING, outputs

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("browser")]
PAGE = "/infrastructure"


@pytest.fixture
async def page(windows: Windows, grace: httpx2.AsyncClient) -> AsyncIterator[Page]:
    context = await windows.open("grace")
    yield await context.new_page()
    await context.close()


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1280)])
async def test_it_is_accessible_and_fits_the_window(app: FastAPI, windows: Windows, scheme: str, width: int) -> None:
    page = await windows.page("ada", color_scheme=scheme, viewport={"width": width, "height": 800})
    await page.goto(PAGE)
    found = await problems_of(page)
    await deploy(app, EVERYTHING)
    await look(app, EVERYTHING)
    await page.goto(PAGE)
    await page.evaluate("document.querySelectorAll('.part details').forEach((each) => (each.open = true))")
    found += await problems_of(page)
    await expect(page.locator("figure .box")).to_have_count(12)
    await page.get_by_role("button", name="Show password", exact=True).click()
    await expect(page.get_by_role("heading", name="Password of MLflow")).to_be_visible()
    found += await problems_of(page)

    assert found == []


async def test_the_picture_leads_to_what_it_shows(app: FastAPI, page: Page) -> None:
    await deploy(app, EVERYTHING)
    await page.goto(PAGE)
    await page.get_by_role("link", name="Cloud SQL postgres-vision").click()
    await expect(page).to_have_url(f"{PAGE}#sql")
    await expect(page.get_by_role("heading", name="Cloud SQL")).to_be_in_viewport()


WIDTHS = (360, 992, 1280)
LONG_NAMES = {
    **EVERYTHING,
    "kubernetes_network_name": "kubernetes-of-a-prefix-18-long",
    "mlflow_bucket_name": "mlflow-artifacts-of-a-very-long-prefix-indeed",
}


@pytest.mark.parametrize("found", [LONG_NAMES, NOTHING, outputs("sql", "storage")])
async def test_everything_has_its_place_in_the_picture(app: FastAPI, page: Page, found: dict[str, object]) -> None:
    await deploy(app, found)
    await page.goto(PAGE)
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 800})
        project = await place(page, ".frame-project")
        boxes, gates = await places(page, "figure .box"), await places(page, "figure .gate")
        inner = await places(page, "figure .frame-network, figure .frame-group")
        assert not [pair for pair in combinations(boxes, 2) if overlap(*pair)]
        assert not [pair for pair in combinations(inner, 2) if overlap(*pair)]
        for box in boxes:
            holders = [frame for frame in inner if overlap(frame, box)]
            assert [surrounds(frame, box) for frame in holders] == ([] if box in gates else [True])
            assert overlap(project, box) != (box in gates)
        assert await page.evaluate(CUT_OFF) == []


async def test_arrows_lead_from_one_to_the_other(app: FastAPI, page: Page) -> None:
    await deploy(app, EVERYTHING)
    await page.goto(PAGE)
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 800})
        await is_between(page, ".map-services .way", *await places(page, ".map-services .box"))
        await is_between(page, ".way-peering", *await places(page, ".frame-network"))
        target = await place(page, ".frame-project" if width == WIDTHS[0] else ".map-workstations")
        await is_between(page, ".way-ssh", await place(page, ".gate-ssh"), target)


CUT_OFF = """() => [...document.querySelectorAll("figure .box")]
  .filter((box) => box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight)
  .map((box) => box.textContent)"""


async def places(page: Page, selector: str) -> list[FloatRect]:
    """Where each of these is."""
    found = [await each.bounding_box() for each in await page.locator(selector).all()]
    return [box for box in found if box]


async def place(page: Page, selector: str) -> FloatRect:
    [found] = await places(page, selector)
    return found


def overlap(one: FloatRect, other: FloatRect) -> bool:
    across = one["x"] < other["x"] + other["width"] and other["x"] < one["x"] + one["width"]
    return across and one["y"] < other["y"] + other["height"] and other["y"] < one["y"] + one["height"]


def surrounds(frame: FloatRect, box: FloatRect) -> bool:
    across = frame["x"] < box["x"] and box["x"] + box["width"] < frame["x"] + frame["width"]
    return across and frame["y"] < box["y"] and box["y"] + box["height"] < frame["y"] + frame["height"]


async def is_between(page: Page, selector: str, before: FloatRect, after: FloatRect) -> None:
    """Whether an arrow begins at the edge of one and ends at the edge of the other: downwards or to the right."""
    way = await place(page, selector)
    along, length = ("y", "height") if way["height"] > way["width"] else ("x", "width")
    assert way[along] == pytest.approx(before[along] + before[length], abs=1.5)  # type: ignore[literal-required]
    assert way[along] + way[length] == pytest.approx(after[along], abs=1.5)  # type: ignore[literal-required]


async def test_a_look_is_asked_for_and_shown_when_it_is_taken(app: FastAPI, page: Page) -> None:
    found = outputs("sql")
    await deploy(app, found)
    await page.goto(PAGE)
    await page.get_by_role("button", name="Refresh").click()
    await expect(page.get_by_text("Checking…")).to_be_visible()
    await expect(page.locator("#sql .tag")).to_have_count(0)
    await look(app, found, ALL_WELL)
    await expect(page.locator("#sql .tag")).to_have_text("Running")
    await expect(page.locator("figure .tag-ok")).to_have_count(1)


async def test_a_password_is_shown_without_javascript(
    app: FastAPI, windows: Windows, grace: httpx2.AsyncClient
) -> None:
    await deploy(app, EVERYTHING)
    context = await windows.open("grace", java_script_enabled=False)
    page = await context.new_page()
    await page.goto(PAGE)
    await page.get_by_role("button", name="Show password").click()
    await expect(page.get_by_text("export MLFLOW_TRACKING_PASSWORD=")).to_be_visible()
    await page.get_by_role("link", name="Infrastructure").first.click()
    await expect(page.get_by_role("heading", name="Infrastructure", exact=True)).to_be_visible()
