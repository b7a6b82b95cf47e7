"""Without JavaScript: every page shows the same, and what people do all day works."""

import asyncssh
import httpx2
import pytest
from fastapi import FastAPI
from playwright.async_api import Page, Route, expect

from tests.app.in_browser.test_every_page import STATES, addresses, are_pages
from tests.app.in_browser.windows import Windows
from tests.clients import signed_in
from tests.stage import Stage

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("browser")]
# Times are in the reader's zone with JavaScript only, and so are the buttons that copy.
SHOWN = """() => [...document.querySelectorAll("h1, h2, h3, label, legend, summary, a, button, dt, th")]
  .filter(each => each.checkVisibility() && !each.matches("[data-copy]"))
  .map(each => {
    const copy = each.cloneNode(true);
    copy.querySelectorAll("time").forEach(time => time.remove());
    return `${each.localName} ${copy.textContent.trim().replace(/\\s+/g, " ")}`;
  })"""

# A button in closed details can be seen once they are opened.
NOT_TO_BE_SENT = """() => [...document.forms]
  .filter(form => ![...form.elements].some(
    each => each.type === "submit" && (each.checkVisibility() || each.closest("details"))))
  .map(form => form.action)"""


async def stay(route: Route) -> None:
    """Pages about what is under way reload themselves without JavaScript: not while they are read here."""
    answer = await route.fetch()
    await route.fulfill(response=answer, body=(await answer.text()).replace('http-equiv="refresh"', ""))


async def seen_at(page: Page, address: str) -> set[str]:
    """The headings, labels, links and buttons that somebody sees there."""
    await page.goto(address)
    return set(await page.evaluate(SHOWN))


@pytest.mark.timeout(900)  # 60 pages, twice
@pytest.mark.parametrize("state", ["busy", "failed"])
async def test_every_page_shows_the_same_and_every_form_can_be_sent(
    state: str, app: FastAPI, stage: Stage, windows: Windows, grace: httpx2.AsyncClient
) -> None:
    ada = await signed_in(app, "ada")
    wanted = addresses(await STATES[state](stage, grace, ada))
    hers = await are_pages(grace, wanted)
    missing = []
    for name, visits in {
        "grace": hers,
        "ada": [each for each in await are_pages(ada, wanted) if each not in hers],
    }.items():
        scripted, plain = await windows.page(name), await windows.page(name, java_script_enabled=False)
        for address in visits:
            await plain.route(f"**{address}", stay)
            lost = await seen_at(scripted, address) - await seen_at(plain, address)
            missing += [f"{address}: {each}" for each in lost]
            missing += [f"{address}: a button for {form}" for form in await plain.evaluate(NOT_TO_BE_SENT)]
    assert not missing, "\n".join(missing)


async def test_a_machine_is_stopped_started_changed_saved_and_deleted(stage: Stage, windows: Windows) -> None:
    machine = await stage.make()
    page = await windows.page("grace", java_script_enabled=False)

    async def carry_out() -> None:
        await expect(page.get_by_role("heading", level=1)).to_have_text("dev-1")
        await stage.carry_out(await stage.pending(machine.id))
        await page.goto(f"/workstations/{machine.id}")

    await page.goto(f"/workstations/{machine.id}")
    await page.get_by_role("link", name="Stop", exact=True).click()
    await page.get_by_role("button", name="Stop dev-1").click()
    await carry_out()
    await expect(page.locator(".tag").first).to_have_text("Stopped")
    await page.get_by_role("button", name="Start", exact=True).click()
    await carry_out()
    await expect(page.locator(".tag").first).to_have_text("Running")

    await page.get_by_role("link", name="Edit", exact=True).click()
    await page.get_by_label("Data disk (GB)").fill("321")
    await page.get_by_role("button", name="Apply changes").click()
    await carry_out()
    await expect(page.get_by_text("321 GB").first).to_be_visible()

    await page.get_by_role("button", name="Turn on daily snapshots").click()
    await expect(page.get_by_role("button", name="Turn off daily snapshots")).to_be_visible()
    await page.get_by_role("button", name="Take snapshot").click()
    await carry_out()

    await page.get_by_role("link", name="Delete", exact=True).click()
    await page.get_by_role("radio", name="Delete the disk too").check()
    await page.get_by_role("button", name="Delete dev-1").click()
    await carry_out()
    await page.goto("/")
    await expect(page.get_by_role("heading", name="No workstations yet")).to_be_visible()


async def test_keys_are_generated_added_and_deleted(windows: Windows) -> None:
    line = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    page = await windows.page("grace", java_script_enabled=False)
    await page.goto("/ssh-keys")
    await page.get_by_role("button", name="Generate").click()
    await expect(page.get_by_text("Key pair generated.")).to_be_visible()

    await page.locator("#name").fill("desk")
    await page.get_by_role("textbox", name="Public key").fill(line)
    await page.get_by_role("button", name="Add key").click()
    await expect(page.get_by_text("Key added.")).to_be_visible()

    await page.get_by_role("link", name="Delete desk").click()
    await page.get_by_role("button", name="Delete key").click()
    await expect(page.get_by_text("Key deleted.")).to_be_visible()
    await expect(page.locator("li", has_text="desk")).to_have_count(0)
