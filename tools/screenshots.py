"""Take pictures of the portal.

`python tools/screenshots.py http://127.0.0.1:8000 docs/screenshot.png` takes the README's: the dashboard.
`python tools/screenshots.py http://127.0.0.1:8000 FOLDER/` takes what a change, a stop and a decision look like,
light and dark, wide and on a phone.

The portal must run with the emulator and be new: Grace signs in, makes an SSH key and workstations, which stay. For
the second, let the emulator take its time (EMULATOR_LATENCY=1), so that there is something to stop.
"""

import re
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

WORKSTATIONS = (("reader", "e2-standard-4"), ("trainer", "NVIDIA L4.*g2-standard-8|g2-standard-8"))
STILL_COMING = ("tuner", "NVIDIA T4.*n1-standard-8|n1-standard-8")
WIDTH, HEIGHT = 1280, 800
LOOKS = (("light", 1280), ("dark", 1280), ("light", 360), ("dark", 360))
PATIENCE_MS = 120_000


def sign_in(page: Page, portal: str) -> None:
    page.goto(portal)
    page.get_by_role("link", name="Sign in with Google").click()
    page.get_by_role("button", name="Grace Hopper").click()
    page.wait_for_url(f"{portal}/**")


def create(page: Page, portal: str, name: str, machine: str) -> str:
    """Ask for a machine; returns its page's address."""
    page.goto(f"{portal}/workstations/new")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label(re.compile(machine)).first.check()
    page.get_by_role("button", name="Create workstation").click()
    page.wait_for_url(re.compile(r"/workstations/(?!new)\w+$"))
    return page.url


def furnish(page: Page, portal: str) -> None:
    """Two machines that run and one on its way."""
    for name, machine in WORKSTATIONS:
        create(page, portal, name, machine)
        expect(page.get_by_text("Running").first).to_be_visible(timeout=PATIENCE_MS)
    create(page, portal, *STILL_COMING)
    page.goto(portal)
    expect(page.get_by_role("link", name=STILL_COMING[0]).first).to_be_visible()


class Pictures:
    """Pictures of a page in every look, in a folder."""

    def __init__(self, browser: Browser, page: Page, folder: Path) -> None:
        self._browser, self._page, self._folder = browser, page, folder

    def take(self, name: str) -> None:
        """Of the page that is shown now."""
        for scheme, width in LOOKS:
            context = self._browser.new_context(
                storage_state=self._page.context.storage_state(),
                viewport={"width": width, "height": HEIGHT},
                color_scheme=scheme,
                reduced_motion="reduce",
            )
            page = context.new_page()
            page.goto(self._page.url)
            page.screenshot(path=self._folder / f"{name}-{scheme}-{width}.png", full_page=True)
            context.close()


def show_decisions(page: Page, portal: str, pictures: Pictures) -> None:
    """A machine that is changed, one whose disk would be lost, and one that is stopped while it is built."""
    machine = create(page, portal, *WORKSTATIONS[0])
    expect(page.get_by_text("Running").first).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Data disk (GB)").fill("50")
    page.get_by_role("button", name="Apply changes").click()
    expect(page.get_by_role("button", name="Approve")).to_be_visible(timeout=PATIENCE_MS)
    pictures.take("approval")
    confirmation = page.get_by_label(re.compile("Type .* to confirm"))
    confirmation.fill(page.locator("label[for=confirm-1] .mono").inner_text())
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Applied").first).to_be_visible(timeout=PATIENCE_MS)
    pictures.take("approved")
    for name in ("change", "states"):
        page.goto(f"{machine}/{name}")
        pictures.take(name)
    create(page, portal, *WORKSTATIONS[1])
    page.get_by_role("link", name="View log").click()
    expect(page.get_by_role("button", name="Stop now")).to_be_visible(timeout=PATIENCE_MS)
    pictures.take("applying")
    page.get_by_role("button", name="Stop after this step and roll back").click()
    pictures.take("stopping")
    expect(page.get_by_text("Canceled").first).to_be_visible(timeout=PATIENCE_MS)
    pictures.take("canceled")


def main() -> int:
    """Take the picture of the dashboard, or those of decisions."""
    if len(sys.argv) != 3:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    portal, target = sys.argv[1].rstrip("/"), Path(sys.argv[2])
    chromium = shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light", reduced_motion="reduce"
        )
        sign_in(page, portal)
        if target.is_dir():
            show_decisions(page, portal, Pictures(browser, page, target))
        else:
            furnish(page, portal)
            page.screenshot(path=target)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
