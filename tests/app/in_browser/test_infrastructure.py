"""The page of what is shared, as a browser shows it."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI
from playwright.async_api import Page, expect

from tests.app.in_browser.windows import Windows
from tests.app.in_browser.windows import problems as problems_of
from tests.app.routers.test_infrastructure import ALL_WELL, deploy, look
from tests.app.services.shared.infrastructure_samples import EVERYTHING, outputs

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
    await expect(page.locator("svg[role=group]:visible")).to_have_count(1)
    await page.get_by_role("button", name="Show password", exact=True).click()
    await expect(page.get_by_role("heading", name="Password of MLflow")).to_be_visible()
    found += await problems_of(page)

    assert found == []


async def test_the_picture_leads_to_what_it_shows(app: FastAPI, page: Page) -> None:
    await deploy(app, EVERYTHING)
    await page.goto(PAGE)
    await page.get_by_role("link", name="Cloud SQL: postgres-vision").locator("visible=true").click()
    await expect(page).to_have_url(f"{PAGE}#sql")
    await expect(page.get_by_role("heading", name="Cloud SQL")).to_be_in_viewport()


async def test_texts_stay_inside_their_boxes(app: FastAPI, page: Page) -> None:
    await deploy(app, {**EVERYTHING, "kubernetes_network_name": "kubernetes-of-a-prefix-18-long"})
    await page.goto(PAGE)
    too_long = await page.evaluate("""() => [...document.querySelectorAll("svg[role=group] g, svg[role=group] a")]
      .filter((group) => group.querySelector("rect") && group.getClientRects().length)
      .flatMap((group) => [...group.querySelectorAll("text")].filter((text) =>
        text.getBoundingClientRect().right > group.querySelector("rect").getBoundingClientRect().right))
      .map((text) => text.textContent)""")

    assert too_long == []


async def test_a_look_is_asked_for_and_shown_when_it_is_taken(app: FastAPI, page: Page) -> None:
    found = outputs("sql")
    await deploy(app, found)
    await page.goto(PAGE)
    await page.get_by_role("button", name="Refresh").click()
    await expect(page.get_by_text("Checking…")).to_be_visible()
    await expect(page.locator("#sql .tag")).to_have_count(0)
    await look(app, found, ALL_WELL)
    await expect(page.locator("#sql .tag")).to_have_text("Running")
    await expect(page.locator("svg:visible .dot-ok")).to_have_count(1)


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
