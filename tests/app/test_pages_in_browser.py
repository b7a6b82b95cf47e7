"""The pages as a browser shows them: readable for everybody, on a phone as well, and following what happens."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest
import uvicorn
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # ships no types
from fastapi import FastAPI
from playwright.async_api import Browser, BrowserContext, Page, Route, async_playwright, expect

from app import clock as clocks
from app.deps import cookie_name
from tests.app.conftest import signed_in
from tests.app.routers.play import (
    apply,
    await_approval,
    change,
    check,
    claim,
    create,
    fail,
    make_run,
    run_of,
    write_lines,
)
from tests.stage import MovingClock

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("browser")]


COUNT_ROWS = """() => {
  const log = document.querySelector("#log");
  window.most = 0;
  const count = () => { window.most = Math.max(window.most, log.children.length); };
  new MutationObserver(count).observe(log, {childList: true});
}"""
IS_AT_END = "(log => log.scrollHeight - log.scrollTop - log.clientHeight < 40)(document.querySelector('#log'))"


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
async def address(app: FastAPI) -> AsyncIterator[str]:
    """The portal on a port of its own, with its live hub and the real clock."""
    app.state.portal = replace(app.state.portal, clock=clocks.utc_now)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    settings = app.state.portal.settings.model_copy(update={"public_url": address})
    app.state.portal = replace(app.state.portal, settings=settings)
    yield address
    app.state.portal.hub.close()
    server.should_exit = True
    await serving


@pytest.fixture
async def grace(app: FastAPI, address: str, clock: MovingClock) -> AsyncIterator[httpx2.AsyncClient]:
    """Signed in, by the clock that the browser's requests are judged by."""
    async with await signed_in(app, "grace") as client:
        yield client


async def open_window(
    browser: Browser, app: FastAPI, grace: httpx2.AsyncClient, address: str, **options: object
) -> BrowserContext:
    context = await browser.new_context(base_url=address, **options)  # type: ignore[arg-type]  # playwright's own names
    name = cookie_name(app.state.portal.settings)
    await context.add_cookies([{"name": name, "value": grace.cookies[name], "url": address}])
    return context


async def open_page(browser: Browser, app: FastAPI, name: str, address: str, **options: object) -> Page:
    """A page of somebody who signs in just now."""
    async with await signed_in(app, name) as client:
        return await (await open_window(browser, app, client, address, **options)).new_page()


async def _problems(page: Page) -> list[str]:
    results = await Axe().run(page)
    problems = [
        f"{page.url} {violation['id']}: {violation['nodes'][0]['html']}"
        for violation in results.response["violations"]
        if violation["impact"] in {"serious", "critical"}
    ]
    if await page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        problems.append(f"{page.url} is wider than the window")
    return problems


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1280)])
async def test_main_pages_are_accessible_and_fit_the_window(
    app: FastAPI, browser: Browser, grace: httpx2.AsyncClient, address: str, scheme: str, width: int
) -> None:
    running = await create(grace, name="a-name-as-long-as-they-can-be1", machine_type="g2-standard-8")
    await make_run(app, await run_of(grace, running))
    broken = await create(grace, name="dev-2")
    failed = await run_of(grace, broken)
    await fail(app, failed)
    busy = await create(grace, name="dev-3")
    applying = await run_of(grace, busy)
    await apply(app, applying)
    asked = await check(grace, running)
    await await_approval(app, asked)
    context = await open_window(
        browser, app, grace, address, color_scheme=scheme, viewport={"width": width, "height": 800}
    )
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
        problems += await _problems(page)
    page = await open_page(browser, app, "ada", address, color_scheme=scheme, viewport={"width": width, "height": 800})
    await page.goto("/admin/audit")
    await page.locator("main summary").first.click()
    await page.locator("summary", has_text="Admin").click()
    problems += await _problems(page)

    assert problems == []


@pytest.mark.parametrize("has_javascript", [True, False])
async def test_the_audit_is_filtered_with_and_without_javascript(
    app: FastAPI, browser: Browser, grace: httpx2.AsyncClient, address: str, has_javascript: bool
) -> None:
    await create(grace)
    page = await open_page(browser, app, "ada", address, java_script_enabled=has_javascript)
    await page.goto("/")
    await page.locator("summary", has_text="Admin").click()
    await page.get_by_role("link", name="Audit").click()
    await page.get_by_label("Action").select_option("workstation.request")
    if not has_javascript:
        await page.get_by_role("button", name="Filter").click()

    rows = page.locator("#audit .list-row")
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("grace@example.com created workstation dev-1")
    await expect(page.get_by_label("Action")).to_have_value("workstation.request")


async def test_the_pages_follow_a_run_by_themselves(
    app: FastAPI, browser: Browser, grace: httpx2.AsyncClient, address: str
) -> None:
    workstation_id = await create(grace)
    run_id = await run_of(grace, workstation_id)
    context = await open_window(browser, app, grace, address)
    machine, run = await context.new_page(), await context.new_page()
    await machine.goto(f"/workstations/{workstation_id}")
    await run.goto(f"/runs/{run_id}")

    await claim(app, run_id)
    await expect(run.locator(".log-line")).to_have_count(1)
    await expect(run.locator(".tag").first).to_have_text("Planning")
    await machine.bring_to_front()
    await expect(machine.locator(".tag").first).to_have_text("Provisioning")
    await change(app, run_id, lambda run, _: run.begin_apply(run.created_at), "<img src=x>", "two", "three")
    await expect(run.locator(".log-text").nth(1)).to_have_text("<img src=x>")
    await expect(run.locator(".log-line")).to_have_count(4)


async def test_a_log_resumes_where_the_connection_was_lost(
    app: FastAPI, browser: Browser, grace: httpx2.AsyncClient, address: str
) -> None:
    run_id = await run_of(grace, await create(grace))
    await claim(app, run_id)
    context = await open_window(browser, app, grace, address)
    page = await context.new_page()
    await page.goto(f"/runs/{run_id}")
    await change(app, run_id, lambda *_: None, "before")
    await expect(page.locator(".log-line")).to_have_count(2)

    await context.set_offline(True)
    app.state.portal.hub.close()
    await change(app, run_id, lambda *_: None, "meanwhile", "meanwhile too")
    app.state.portal.hub.closing = False
    await context.set_offline(False)

    await expect(page.locator(".log-text")).to_have_text(["Claimed", "before", "meanwhile", "meanwhile too"])


async def test_a_log_of_100_000_lines_is_followed_with_a_bounded_number_of_rows(
    app: FastAPI, browser: Browser, grace: httpx2.AsyncClient, address: str
) -> None:
    run_id = await run_of(grace, await create(grace))
    await claim(app, run_id)
    await write_lines(app, run_id, 89_999)
    context = await open_window(browser, app, grace, address)
    page = await context.new_page()
    await page.goto(f"/runs/{run_id}")
    rows, last = page.locator(".log-line"), page.locator(".log-line").last
    await expect(last).to_contain_text("line 90000")
    await expect(rows).to_have_count(1000)
    await page.evaluate(COUNT_ROWS)

    await write_lines(app, run_id, 9_000)
    await expect(last).to_contain_text("line 99000", timeout=30_000)
    await context.set_offline(True)
    app.state.portal.hub.close()
    await write_lines(app, run_id, 1_000)
    app.state.portal.hub.closing = False
    await context.set_offline(False)
    await expect(last).to_contain_text("line 100000", timeout=30_000)

    assert await page.evaluate("window.most") <= 5_500
    numbers = [int(text.split()[-1]) for text in await page.locator(".log-text").all_inner_texts()]
    assert numbers == list(range(numbers[0], 100_001))
    await expect(page.locator("[data-log-note]")).to_contain_text(f"The first {numbers[0] - 1} lines")
    assert await page.evaluate(IS_AT_END)


async def test_a_machine_is_asked_for_without_javascript(
    app: FastAPI, browser: Browser, grace: httpx2.AsyncClient, address: str
) -> None:
    context = await open_window(browser, app, grace, address, java_script_enabled=False)
    page = await context.new_page()
    await page.goto("/")
    await page.get_by_role("link", name="New workstation").click()
    await page.get_by_role("button", name="Create workstation").click()

    await expect(page.get_by_role("heading", level=1)).to_have_text("dev-1")
    await expect(page.locator(".tag").first).to_have_text("Requested")


async def test_a_preset_is_taken_and_priced_without_javascript(
    app: FastAPI, browser: Browser, grace: httpx2.AsyncClient, address: str
) -> None:
    context = await open_window(browser, app, grace, address, java_script_enabled=False)
    page = await context.new_page()
    await page.goto("/workstations/new")
    await page.get_by_role("link", name="L4").click()
    await expect(page.get_by_label("g2-standard-8")).to_be_checked()
    await page.get_by_role("checkbox").check()
    await page.get_by_label("Zone", exact=True).select_option("us-central1-f")
    await page.get_by_role("button", name="Update price").click()
    await expect(page.locator("#zone-error")).to_contain_text("g2-standard-8 is not available in us-central1-f")
    await page.get_by_label("Zone", exact=True).select_option("us-central1-a")
    await page.get_by_role("button", name="Create workstation").click()

    await expect(page.get_by_role("heading", level=1)).to_have_text("dev-1")
    await expect(page.get_by_text("NVIDIA L4").first).to_be_visible()


async def test_a_run_is_stopped_harder_and_harder_without_javascript(
    app: FastAPI, browser: Browser, grace: httpx2.AsyncClient, address: str
) -> None:
    run_id = await run_of(grace, await create(grace))
    await apply(app, run_id)
    context = await open_window(browser, app, grace, address, java_script_enabled=False)
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
    app: FastAPI, browser: Browser, grace: httpx2.AsyncClient, address: str
) -> None:
    machine_id = await create(grace)
    await make_run(app, await run_of(grace, machine_id))
    asked = await check(grace, machine_id)
    await await_approval(app, asked)
    context = await open_window(browser, app, grace, address, java_script_enabled=False)
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
    app: FastAPI, browser: Browser, grace: httpx2.AsyncClient, address: str
) -> None:
    run_id = await run_of(grace, await create(grace))
    context = await open_window(browser, app, grace, address)
    page = await context.new_page()

    async def later(route: Route) -> None:
        await asyncio.sleep(0.3)
        await route.continue_()

    await page.route("**/hx-sse.min.js", later)
    await page.goto(f"/runs/{run_id}")
    await claim(app, run_id)
    await expect(page.locator(".log-line")).to_have_count(1)
