"""Pages that update themselves: not without need, and not while somebody fills in a form."""

import asyncio

import httpx2
import pytest
from playwright.async_api import Route, expect

from tests.app.in_browser.windows import Windows
from tests.app.routers.lost_disk import await_approval
from tests.clients import create, restore, run_of
from tests.stage import Stage

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("browser")]


async def test_a_filter_chosen_before_the_scripts_have_loaded_counts(
    windows: Windows, grace: httpx2.AsyncClient
) -> None:
    await create(grace)
    page = await windows.page("ada")
    chosen = asyncio.Event()

    async def wait_for_the_choice(route: Route) -> None:
        await chosen.wait()
        await route.continue_()

    await page.route("**/app.js*", wait_for_the_choice)
    await page.goto("/admin/audit", wait_until="commit")
    await page.get_by_label("Action").select_option("workstation.request")
    chosen.set()

    await expect(page.locator("#audit .list-row")).to_have_count(1)


async def test_an_error_and_what_was_typed_stay_while_the_page_updates_itself(
    stage: Stage, windows: Windows, grace: httpx2.AsyncClient
) -> None:
    machine_id = await create(grace)
    await stage.carry_out(await run_of(grace, machine_id))
    asked = await restore(grace, machine_id)
    await await_approval(stage, asked)
    page = await windows.page("grace")
    await page.goto(f"/runs/{asked}")
    name = page.get_by_label(f"Type dev-1-{machine_id}-home to confirm")
    await name.fill("yes")
    await page.get_by_role("button", name="Approve").click()
    await expect(page.get_by_role("alert")).to_be_focused()
    await expect(page.locator("#confirm-error")).to_be_visible()

    await name.fill("yes, please")
    await page.evaluate("document.querySelector('#run').dataset.old = 'yes'")
    await stage.write(asked, "something new")
    await expect(page.locator("#log")).to_contain_text("something new")
    await expect(page.locator("#run[data-old]")).to_have_count(0)

    await expect(page.locator("#confirm-error")).to_be_visible()
    await expect(name).to_have_value("yes, please")
    await page.get_by_role("alert").get_by_role("link").click()
    await page.reload()
    await expect(name).to_have_value("yes")


async def test_a_page_that_is_up_to_date_does_not_fetch_itself(windows: Windows, grace: httpx2.AsyncClient) -> None:
    await create(grace)
    page = await windows.page("grace")
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url) if "hx-request" in request.headers else None)
    async with page.expect_response("**/events?since=*"):
        await page.goto("/")
    await create(grace, name="dev-2")
    await expect(page.get_by_text("dev-2")).to_be_visible()

    assert len([url for url in fetched if "/events" not in url]) == 1
