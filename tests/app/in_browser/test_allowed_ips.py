"""The pages of allowed IPs as a browser shows them."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from tests.app.in_browser.windows import Windows
from tests.app.in_browser.windows import problems as problems_of
from tests.stage import Stage

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("browser")]
LONG = "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff"


@pytest.mark.parametrize(("scheme", "width", "has_javascript"), [("light", 360, True), ("dark", 1280, False)])
async def test_grace_asks_ada_approves_and_both_see_what_becomes_of_it(
    stage: Stage, windows: Windows, scheme: str, width: int, has_javascript: bool
) -> None:
    stack_id = await stage.make_shared_stack()
    window = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    graces = await windows.page("grace", java_script_enabled=has_javascript, **window)
    adas = await windows.page("ada", **window)
    # Without JavaScript axe cannot look.
    look = problems_of if has_javascript else nothing

    problems = await request_two(graces, look)
    problems += await decide(adas)
    await stage.carry_out(await stage.pending(stack_id))
    await expect(adas.locator(".tag", has_text="Active")).to_be_visible()
    if not has_javascript:
        await graces.reload()
    await expect(graces.get_by_text("127.0.0.1 is allowed")).to_be_visible()

    assert problems + await look(graces) == []


async def nothing(_: Page) -> list[str]:
    return []


async def request_two(page: Page, look: Callable[[Page], Awaitable[list[str]]]) -> list[str]:
    """The address that the browser comes from, and a range that has to be confirmed."""
    await page.goto("/allowed-ips")
    await expect(page.get_by_text("127.0.0.1 is not allowed.")).to_be_visible()
    await page.get_by_role("button", name="Request access for").click()
    await expect(page.locator(".tag", has_text="Requested").first).to_be_visible()
    await page.get_by_label("IP address or range").fill(f"{LONG}/64")
    await page.get_by_label("Label").fill("home")
    await page.get_by_role("button", name="Request access", exact=True).click()
    await expect(page.locator(".field-error", has_text="is an address within a range")).to_be_visible()
    await page.get_by_label("IP address or range").fill("192.168.0.0/20")
    await page.get_by_role("button", name="Request access", exact=True).click()
    problems = await look(page)
    await page.get_by_label("Yes, allow this range").check()
    await page.get_by_role("button", name="Request access", exact=True).click()
    await expect(page.locator("#own .list-row, [aria-labelledby=own] .list-row")).to_have_count(2)
    return problems


async def decide(page: Page) -> list[str]:
    """One is denied, and one approved for a day."""
    await page.goto("/")
    problems = await problems_of(page)
    await page.get_by_role("link", name="2 allowed IP requests to review").click()
    problems += await problems_of(page)
    await page.get_by_role("button", name="Deny 192.168.0.0/20").click()
    await page.get_by_label("Duration").first.select_option("1 day")
    await page.get_by_role("button", name="Approve 127.0.0.1/32").click()
    await expect(page.get_by_text("Adding")).to_be_visible()
    return problems + await problems_of(page)
