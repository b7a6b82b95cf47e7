"""The admins' pages of people as a browser shows them: readable for everybody, on a phone, and without JavaScript."""

import httpx2
import pytest
from fastapi import FastAPI
from playwright.async_api import Browser, expect

from tests.app.routers.test_iam_admins import apply
from tests.app.test_pages_in_browser import _problems, open_page
from tests.app.test_pages_in_browser import address as address
from tests.app.test_pages_in_browser import browser as browser
from tests.app.test_pages_in_browser import grace as grace

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("browser")]
LONG = "serviceAccount:a-name-as-long-as-they-can-be1@a-project-with-a-long-name-123.iam.gserviceaccount.com"


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1280)])
async def test_the_pages_are_accessible_and_fit_the_window(
    app: FastAPI, browser: Browser, grace: httpx2.AsyncClient, address: str, scheme: str, width: int
) -> None:
    page = await open_page(browser, app, "ada", address, color_scheme=scheme, viewport={"width": width, "height": 800})
    problems: list[str] = []
    for principal in ("user:ada@example.com", LONG):
        await page.goto("/admin/iam")
        await page.get_by_label("Principal", exact=True).fill(principal)
        await page.get_by_role("button", name="Create plan").click()
        if principal == LONG:
            await expect(page.get_by_text("is outside")).to_be_visible()
            problems += await _problems(page)
            await page.get_by_label("Confirm external principal").check()
            await page.get_by_role("button", name="Create plan").click()
        await page.wait_for_url("**/runs/*")
        if principal != LONG:
            await apply(app, page.url.rpartition("/")[2])
    await page.goto("/admin/iam")
    await expect(page.get_by_text("Adding")).to_be_visible()
    problems += await _problems(page)
    await page.goto("/admin/members")
    await expect(page.get_by_text("grace@example.com")).to_be_visible()
    problems += await _problems(page)
    await page.goto("/admin/shared-stack")
    await expect(page.get_by_text("Checked for drift")).to_be_visible()
    problems += await _problems(page)

    assert problems == []


@pytest.mark.parametrize("has_javascript", [True, False])
async def test_a_role_is_given_and_taken_with_and_without_javascript(
    app: FastAPI, browser: Browser, grace: httpx2.AsyncClient, address: str, has_javascript: bool
) -> None:
    page = await open_page(browser, app, "ada", address, java_script_enabled=has_javascript)
    await page.goto("/")
    await page.locator("summary", has_text="Admin").click()
    await page.get_by_role("link", name="Members").click()
    row = page.locator(".list-row", has_text="grace@example.com")
    await page.get_by_role("button", name="Make Grace an admin").click()
    await expect(row.locator(".tag")).to_have_text("Admin")
    await page.get_by_role("button", name="Make Grace a member").click()
    await expect(row.locator(".tag")).to_have_text("Member")


async def test_the_list_follows_a_run_by_itself(
    app: FastAPI, browser: Browser, grace: httpx2.AsyncClient, address: str
) -> None:
    page = await open_page(browser, app, "ada", address)
    await page.goto("/admin/iam")
    await page.get_by_label("Principal", exact=True).fill("grace@example.com")
    await page.get_by_role("button", name="Create plan").click()
    await page.wait_for_url("**/runs/*")
    run_id = page.url.rpartition("/")[2]
    await page.goto("/admin/iam")
    row = page.locator(".list-row", has_text="user:grace@example.com")
    await expect(row.locator(".tag")).to_have_text("Adding")
    await page.get_by_label("Principal", exact=True).fill("linus@exam")

    await apply(app, run_id)

    await expect(row.locator(".tag")).to_have_text("Applied")
    await expect(page.get_by_label("Principal", exact=True)).to_have_value("linus@exam")
