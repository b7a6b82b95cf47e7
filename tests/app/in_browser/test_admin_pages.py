"""The admins' pages of people as a browser shows them: readable for everybody, on a phone, and without JavaScript."""

import httpx2
import pytest
from playwright.async_api import expect

from tests.app.in_browser.windows import Windows
from tests.app.in_browser.windows import problems as problems_of
from tests.stage import Stage

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("browser")]
LONG = "serviceAccount:a-name-as-long-as-they-can-be1@a-project-with-a-long-name-123.iam.gserviceaccount.com"


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1280)])
async def test_the_pages_are_accessible_and_fit_the_window(
    stage: Stage, windows: Windows, grace: httpx2.AsyncClient, scheme: str, width: int
) -> None:
    page = await windows.page("ada", color_scheme=scheme, viewport={"width": width, "height": 800})
    problems: list[str] = []
    for principal in ("user:ada@example.com", LONG):
        await page.goto("/admin/iam")
        await page.get_by_label("Principal", exact=True).fill(principal)
        await page.get_by_role("button", name="Create plan").click()
        if principal == LONG:
            await expect(page.locator(".field-error", has_text="is outside")).to_be_visible()
            problems += await problems_of(page)
            await page.get_by_label("Confirm external principal").check()
            await page.get_by_role("button", name="Create plan").click()
        await page.wait_for_url("**/runs/*")
        if principal != LONG:
            await stage.carry_out(page.url.rpartition("/")[2])
    await page.goto("/admin/iam")
    await expect(page.get_by_text("Adding")).to_be_visible()
    problems += await problems_of(page)
    await page.goto("/admin/members")
    await expect(page.get_by_text("grace@example.com")).to_be_visible()
    problems += await problems_of(page)
    await page.get_by_role("link", name="Grace").click()
    await expect(page.get_by_role("button", name="Disable account")).to_be_visible()
    problems += await problems_of(page)
    await page.goto("/admin/shared-stack")
    await expect(page.get_by_text("Checked for drift")).to_be_visible()
    problems += await problems_of(page)

    assert problems == []


@pytest.mark.parametrize("has_javascript", [True, False])
async def test_a_role_is_given_and_taken_with_and_without_javascript(
    windows: Windows, grace: httpx2.AsyncClient, has_javascript: bool
) -> None:
    page = await windows.page("ada", java_script_enabled=has_javascript)
    await page.goto("/")
    await page.locator("summary", has_text="Admin").click()
    await page.get_by_role("link", name="Members").click()
    await page.get_by_role("link", name="Grace").click()
    role = page.locator(".page-head .tag")
    await page.get_by_role("link", name="Make Grace an admin").click()
    await page.get_by_role("button", name="Make Grace an admin").click()
    await expect(role).to_have_text("Admin")
    await page.get_by_role("link", name="Make Grace a member").click()
    await page.get_by_role("button", name="Make Grace a member").click()
    await expect(role).to_have_text("Member")


async def test_the_list_follows_a_run_by_itself(stage: Stage, windows: Windows, grace: httpx2.AsyncClient) -> None:
    page = await windows.page("ada")
    await page.goto("/admin/iam")
    await page.get_by_label("Principal", exact=True).fill("grace@example.com")
    await page.get_by_role("button", name="Create plan").click()
    await page.wait_for_url("**/runs/*")
    run_id = page.url.rpartition("/")[2]
    await page.goto("/admin/iam")
    row = page.locator(".list-row", has_text="user:grace@example.com")
    await expect(row.locator(".tag")).to_have_text("Adding")
    await page.get_by_label("Principal", exact=True).fill("linus@exam")

    await stage.carry_out(run_id)

    await expect(row.locator(".tag")).to_have_text("Applied")
    await expect(page.get_by_label("Principal", exact=True)).to_have_value("linus@exam")
