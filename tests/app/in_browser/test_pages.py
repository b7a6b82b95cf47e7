"""The pages as a browser shows them: readable for everybody, on a phone as well, and following what happens."""

import asyncio
import re

import httpx2
import pytest
from fastapi import FastAPI
from playwright.async_api import Route, expect

from tests.app.in_browser.windows import Windows
from tests.app.in_browser.windows import problems as problems_of
from tests.app.routers.lost_disk import await_approval
from tests.clients import create, restore, run_of
from tests.stage import Stage

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("browser")]
COUNT_ROWS = """() => {
  const log = document.querySelector("#log");
  window.most = 0;
  const count = () => { window.most = Math.max(window.most, log.children.length); };
  new MutationObserver(count).observe(log, {childList: true});
}"""
IS_AT_END = "(log => log.scrollHeight - log.scrollTop - log.clientHeight < 40)(document.querySelector('#log'))"


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1280)])
async def test_main_pages_are_accessible_and_fit_the_window(
    stage: Stage, windows: Windows, grace: httpx2.AsyncClient, scheme: str, width: int
) -> None:
    running = await create(grace, name="a-name-as-long-as-they-can-be1", machine_type="g2-standard-8")
    await stage.carry_out(await run_of(grace, running))
    failed = await run_of(grace, broken := await create(grace, name="dev-2"))
    await stage.fail(failed)
    busy = await create(grace, name="dev-3")
    applying = await run_of(grace, busy)
    await stage.apply(applying)
    asked = await restore(grace, running)
    await await_approval(stage, asked)
    context = await windows.open("grace", color_scheme=scheme, viewport={"width": width, "height": 800})
    page = await context.new_page()
    problems: list[str] = []
    for path in (
        "/",
        "/workstations/new",
        "/workstations/new?machine_type=g4-standard-48&zone=europe-west4-a&disk_type=pd-balanced&image=no/such",
        f"/workstations/{running}",
        f"/workstations/{running}/change?machine_type=g2-standard-8&disk_size_gb=50",
        f"/workstations/{running}/destroy",
        f"/workstations/{running}/states",
        f"/runs/{asked}",
        f"/runs/{applying}",
        f"/runs/{applying}/kill",
        f"/workstations/{broken}",
        f"/workstations/{busy}",
        f"/runs/{failed}",
        "/nowhere",
    ):
        await page.goto(path)
        problems += await problems_of(page)
    page = await windows.page("ada", color_scheme=scheme, viewport={"width": width, "height": 800})
    await page.goto("/admin/audit")
    await page.locator("main summary").first.click()
    await page.locator("summary", has_text="Admin").click()
    problems += await problems_of(page)

    assert problems == []


@pytest.mark.parametrize("has_javascript", [True, False])
async def test_the_audit_is_filtered_with_and_without_javascript(
    windows: Windows, grace: httpx2.AsyncClient, has_javascript: bool
) -> None:
    await create(grace)
    page = await windows.page("ada", java_script_enabled=has_javascript)
    await page.goto("/")
    await page.locator("summary", has_text="Admin").click()
    await page.get_by_role("link", name="Audit log").click()
    await page.get_by_label("Action").select_option("workstation.request")
    if not has_javascript:
        await page.get_by_role("button", name="Filter").click()

    rows = page.locator("#audit .list-row")
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("grace@example.com created workstation dev-1")
    await expect(page.get_by_label("Action")).to_have_value("workstation.request")
    await expect(page).to_have_url(re.compile("action=workstation.request"))


async def test_the_pages_follow_a_run_by_themselves(stage: Stage, windows: Windows, grace: httpx2.AsyncClient) -> None:
    workstation_id = await create(grace)
    run_id = await run_of(grace, workstation_id)
    context = await windows.open("grace")
    machine, run = await context.new_page(), await context.new_page()
    await machine.goto(f"/workstations/{workstation_id}")
    await run.goto(f"/runs/{run_id}")

    await stage.claim(run_id)
    await expect(run.locator(".log-line")).to_have_count(1)
    await expect(run.locator(".tag").first).to_have_text("Planning")
    await machine.bring_to_front()
    await expect(machine.locator(".tag").first).to_have_text("Provisioning")
    await expect(machine).to_have_title("dev-1: Provisioning · Stationmaster")
    await stage.apply(run_id)
    await stage.write(run_id, "<img src=x>", "two", "three")
    await expect(run.locator(".log-text").nth(1)).to_have_text("<img src=x>")
    await expect(run.locator(".log-line")).to_have_count(4)


async def test_a_log_resumes_where_the_connection_was_lost(
    stage: Stage, app: FastAPI, windows: Windows, grace: httpx2.AsyncClient
) -> None:
    run_id = await run_of(grace, await create(grace))
    await stage.claim(run_id)
    context = await windows.open("grace")
    page = await context.new_page()
    await page.goto(f"/runs/{run_id}")
    await stage.write(run_id, "before")
    await expect(page.locator(".log-line")).to_have_count(2)

    await context.set_offline(True)
    app.state.portal.hub.close()
    await stage.write(run_id, "meanwhile", "meanwhile too")
    app.state.portal.hub.closing = False
    await context.set_offline(False)

    await expect(page.locator(".log-text")).to_have_text(["Claimed", "before", "meanwhile", "meanwhile too"])


async def test_a_log_of_100_000_lines_is_followed_with_a_bounded_number_of_rows(
    stage: Stage, app: FastAPI, windows: Windows, grace: httpx2.AsyncClient
) -> None:
    run_id = await run_of(grace, await create(grace))
    await stage.claim(run_id)
    await stage.write_numbered(run_id, 89_999)
    context = await windows.open("grace")
    page = await context.new_page()
    await page.goto(f"/runs/{run_id}")
    rows, last = page.locator(".log-line"), page.locator(".log-line").last
    await expect(last).to_contain_text("line 90000")
    await expect(rows).to_have_count(1000)
    await page.evaluate(COUNT_ROWS)

    await stage.write_numbered(run_id, 9_000)
    await expect(last).to_contain_text("line 99000")
    await context.set_offline(True)
    app.state.portal.hub.close()
    await stage.write_numbered(run_id, 1_000)
    app.state.portal.hub.closing = False
    await context.set_offline(False)
    await expect(last).to_contain_text("line 100000")

    assert await page.evaluate("window.most") <= 5_500
    numbers = [int(text.split()[-1]) for text in await page.locator(".log-text").all_inner_texts()]
    assert numbers == list(range(numbers[0], 100_001))
    await expect(page.locator("[data-log-note]")).to_contain_text(f"The first {numbers[0] - 1} lines")
    assert await page.evaluate(IS_AT_END)


async def test_a_machine_is_asked_for_without_javascript(windows: Windows, grace: httpx2.AsyncClient) -> None:
    context = await windows.open("grace", java_script_enabled=False)
    page = await context.new_page()
    await page.goto("/")
    await page.get_by_role("link", name="New workstation").click()
    await page.get_by_role("button", name="Create workstation").click()

    await expect(page.get_by_role("heading", level=1)).to_have_text("dev-1")
    await expect(page.locator(".tag").first).to_have_text("Requested")


async def test_a_preset_is_taken_and_priced_without_javascript(windows: Windows, grace: httpx2.AsyncClient) -> None:
    context = await windows.open("grace", java_script_enabled=False)
    page = await context.new_page()
    await page.goto("/workstations/new")
    await page.get_by_role("link", name="L4").click()
    await expect(page.get_by_label("g2-standard-8")).to_be_checked()
    await page.get_by_role("checkbox", name="Much cheaper").check()
    await page.get_by_label("Zone", exact=True).select_option("us-central1-f")
    await page.get_by_role("button", name="Update price").click()
    await expect(page.locator("#zone-error")).to_contain_text("g2-standard-8 is not available in us-central1-f")
    await page.get_by_label("Zone", exact=True).select_option("us-central1-a")
    await page.get_by_role("button", name="Create workstation").click()

    await expect(page.get_by_role("heading", level=1)).to_have_text("dev-1")
    await expect(page.get_by_text("NVIDIA L4").first).to_be_visible()


async def test_a_run_is_stopped_harder_and_harder_without_javascript(
    stage: Stage, windows: Windows, grace: httpx2.AsyncClient
) -> None:
    run_id = await run_of(grace, await create(grace))
    await stage.apply(run_id)
    context = await windows.open("grace", java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"/runs/{run_id}")

    await page.get_by_role("button", name="Stop after this step and roll back").click()
    await expect(page.get_by_role("heading", name="Stopping")).to_be_visible()
    await page.get_by_role("button", name="Stop now").click()
    await page.get_by_role("link", name="Kill Terraform").click()
    await page.get_by_role("button", name="Kill Terraform").click()
    await expect(page.get_by_text("Terraform was killed")).to_be_visible()
    await expect(page.get_by_role("button", name="Stop")).to_have_count(0)


async def test_a_disk_is_given_up_by_its_name_without_javascript(
    stage: Stage, windows: Windows, grace: httpx2.AsyncClient
) -> None:
    machine_id = await create(grace)
    await stage.carry_out(await run_of(grace, machine_id))
    asked = await restore(grace, machine_id)
    await await_approval(stage, asked)
    context = await windows.open("grace", java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"/runs/{asked}")
    await expect(page.get_by_text("forces replacement")).to_be_visible()

    await page.get_by_label(f"Type dev-1-{machine_id}-home to confirm").fill("yes")
    await page.get_by_role("button", name="Approve").click()
    await expect(page.locator("#confirm-error")).to_be_visible()
    await page.get_by_label(f"Type dev-1-{machine_id}-home to confirm").fill(f"dev-1-{machine_id}-home")
    await page.get_by_role("button", name="Approve").click()
    await expect(page.get_by_text("approved by Grace")).to_be_visible()


async def test_a_log_is_followed_even_where_the_streams_script_comes_late(
    stage: Stage, windows: Windows, grace: httpx2.AsyncClient
) -> None:
    run_id = await run_of(grace, await create(grace))
    context = await windows.open("grace")
    page = await context.new_page()

    async def later(route: Route) -> None:
        await asyncio.sleep(0.3)
        await route.continue_()

    await page.route("**/hx-sse.min.js", later)
    await page.goto(f"/runs/{run_id}")
    await stage.claim(run_id)
    await expect(page.locator(".log-line")).to_have_count(1)
