"""The setup page as a browser shows it: readable for everybody, and one command for the reader's system."""

import httpx2
import pytest
from playwright.async_api import expect

from tests.app.in_browser.windows import Windows, problems
from tests.clients import create, run_of
from tests.stage import Stage

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("browser")]


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1280)])
async def test_the_pages_that_lead_to_ssh_are_accessible_and_fit_the_window(
    stage: Stage, windows: Windows, grace: httpx2.AsyncClient, scheme: str, width: int
) -> None:
    await stage.carry_out(await run_of(grace, await create(grace)))
    page = await windows.page("grace", color_scheme=scheme, viewport={"width": width, "height": 800})
    found: list[str] = []
    for path in ("/", "/ssh-setup/update", "/ssh-setup"):
        await page.goto(path)
        found += await problems(page)
    await page.get_by_role("radio", name="WSL").check()
    found += await problems(page)
    await stage.carry_out(await run_of(grace, await create(grace, name="dev-2")))
    await grace.get("/ssh-setup/archive")
    await page.goto("/")
    await page.get_by_text("SSH setup and downloads").click()
    found += await problems(page)

    assert found == []


@pytest.mark.parametrize("has_javascript", [True, False])
async def test_one_system_is_shown_at_a_time_with_and_without_javascript(
    windows: Windows, has_javascript: bool
) -> None:
    page = await windows.page("grace", java_script_enabled=has_javascript)
    await page.goto("/ssh-setup")
    commands = page.locator("pre:visible", has_text="stmsetup_")
    await expect(commands).to_have_count(1)
    await expect(commands).to_contain_text("curl")
    await page.get_by_role("radio", name="Windows").check()
    await expect(commands).to_have_count(1)
    await expect(commands).to_contain_text("irm")
    await page.get_by_role("radio", name="WSL").check()
    await expect(commands).to_have_count(2)
    await expect(page.get_by_text("separate home folders")).to_be_visible()


async def test_open_pages_notice_that_the_files_were_installed(
    stage: Stage, windows: Windows, grace: httpx2.AsyncClient
) -> None:
    machine = await create(grace)
    await stage.carry_out(await run_of(grace, machine))
    context = await windows.open("grace")
    dashboard, workstation = await context.new_page(), await context.new_page()
    for page, path in ((dashboard, "/"), (workstation, f"/workstations/{machine}")):
        await page.goto(path)
        await expect(page.get_by_role("heading", name="Set up SSH on this computer")).to_be_visible()

    await grace.get("/ssh-setup/archive")

    for page in (dashboard, workstation):
        await expect(page.get_by_role("heading", name="Set up SSH on this computer")).to_be_hidden()
