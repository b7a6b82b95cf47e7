"""The pages of allowed IPs as a browser shows them."""

import httpx2
import pytest
from fastapi import FastAPI
from playwright.async_api import Browser, expect

from app.models import SharedStack
from app.services import runs
from tests.app import shared_stack_play as play
from tests.app.test_pages_in_browser import _problems, open_page
from tests.app.test_pages_in_browser import address as address
from tests.app.test_pages_in_browser import browser as browser
from tests.app.test_pages_in_browser import grace as grace

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("browser")]
LONG = "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff"


@pytest.mark.parametrize(("scheme", "width", "has_javascript"), [("light", 360, True), ("dark", 1280, False)])
async def test_grace_asks_ada_approves_and_both_see_what_becomes_of_it(
    app: FastAPI,
    browser: Browser,
    grace: httpx2.AsyncClient,
    address: str,
    scheme: str,
    width: int,
    has_javascript: bool,
) -> None:
    portal = app.state.portal
    async with portal.database.sessions.begin() as session:
        stack_id = (await play.make_shared_stack(portal.context(session))).id
    window = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    graces = await open_page(browser, app, "grace", address, java_script_enabled=has_javascript, **window)
    adas = await open_page(browser, app, "ada", address, **window)
    problems: list[str] = []

    await graces.goto("/allowed-ips")
    await expect(graces.get_by_text("127.0.0.1 is not allowed.")).to_be_visible()
    await graces.get_by_role("button", name="Request access for").click()
    await expect(graces.locator(".tag", has_text="Requested").first).to_be_visible()
    await graces.get_by_label("IP address or range").fill(f"{LONG}/64")
    await graces.get_by_label("Label").fill("home")
    await graces.get_by_role("button", name="Request access", exact=True).click()
    await expect(graces.get_by_text("is an address within a range")).to_be_visible()
    await graces.get_by_label("IP address or range").fill("192.168.0.0/20")
    await graces.get_by_role("button", name="Request access", exact=True).click()
    problems += await _problems(graces) if has_javascript else []
    await graces.get_by_label("Yes, allow this range").check()
    await graces.get_by_role("button", name="Request access", exact=True).click()
    await expect(graces.locator("#own .list-row, [aria-labelledby=own] .list-row")).to_have_count(2)

    await adas.goto("/")
    problems += await _problems(adas)
    await adas.get_by_role("link", name="2 allowed IP requests to review").click()
    problems += await _problems(adas)
    await adas.get_by_role("button", name="Deny 192.168.0.0/20").click()
    await adas.get_by_label("Duration").first.select_option("1 day")
    await adas.get_by_role("button", name="Approve 127.0.0.1/32").click()
    await expect(adas.get_by_text("Adding")).to_be_visible()
    problems += await _problems(adas)
    async with portal.database.sessions.begin() as session:
        stack = await session.get_one(SharedStack, stack_id)
        run = await play.apply(session, stack, portal.clock())
        await runs.announce(session, run)
    await expect(adas.locator(".tag", has_text="Active")).to_be_visible()
    if not has_javascript:
        await graces.reload()
    await expect(graces.get_by_text("127.0.0.1 is allowed")).to_be_visible()
    problems += await _problems(graces) if has_javascript else []

    assert problems == []
