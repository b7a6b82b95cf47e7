"""The way to the first SSH session, and to a machine's end, by the keyboard alone."""

import httpx2
import pytest
from playwright.async_api import Page, expect

from tests.app.in_browser.windows import Windows
from tests.clients import run_of
from tests.stage import Stage

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("browser")]
MOST_TABS = 60
NAME = """() => {
  const at = document.activeElement;
  return (at.getAttribute("aria-label") || at.labels?.[0]?.innerText || at.innerText || "").trim();
}"""
IS_SEEN = """() => {
  const at = document.activeElement, [box] = at.getClientRects(), style = getComputedStyle(at);
  const on_top = document.elementFromPoint(box.x + box.width / 2, box.y + Math.min(box.height / 2, 8));
  // The parts of a date have a mark of Chromium's own.
  const outlined = at.type === "date" || style.outlineStyle !== "none" || style.boxShadow !== "none";
  return outlined && on_top && (at.contains(on_top) || on_top.contains(at));
}"""


async def tab_to(page: Page, name: str) -> None:
    """Press Tab until this has the focus. Whatever has it on the way can be seen, and that it has."""
    passed = []
    for _ in range(MOST_TABS):
        await page.keyboard.press("Tab")
        passed.append(await page.evaluate(NAME))
        # Browsers scroll to it, which takes a moment.
        await page.wait_for_function(IS_SEEN)
        if passed[-1].startswith(name):
            return
    pytest.fail(f"{name} is not reached: {passed}")


async def follow(page: Page, name: str, heading: str) -> None:
    """Tab to it, press Enter, and wait for the page with this heading."""
    await tab_to(page, name)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text(heading)


@pytest.mark.parametrize("width", [360, 1280])
async def test_the_keyboard_is_enough(stage: Stage, windows: Windows, grace: httpx2.AsyncClient, width: int) -> None:
    page = await windows.page("grace", viewport={"width": width, "height": 700})
    await page.goto("/")
    await follow(page, "New workstation", "New workstation")
    await tab_to(page, "Name")
    await page.keyboard.press("Control+a")
    await page.keyboard.type("by-keyboard")
    await follow(page, "Create workstation", "by-keyboard")

    machine = page.url.rpartition("/")[2].partition("?")[0]
    await stage.carry_out(await run_of(grace, machine))
    await expect(page.locator(".tag").first).to_have_text("Running")
    await page.goto("/")
    await follow(page, "Set up SSH", "Set up SSH")
    await tab_to(page, "Copy")

    await page.goto(f"/workstations/{machine}")
    await follow(page, "Delete", "Delete by-keyboard?")
