"""Take pictures of the portal, which runs with the emulator for as long as that takes.

`make screenshots` takes the README's, light and dark: the dashboard.
`make screenshots FOLDER=…` takes many pages instead, among them a change, a stop and a decision: light and dark, wide
and on phones.
"""

import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.portal_process import PortalProcess

WORKSTATIONS = (("reader", "e2-standard-4"), ("trainer", "NVIDIA L4.*g2-standard-8|g2-standard-8"))
STILL_COMING = ("tuner", "NVIDIA T4.*n1-standard-8|n1-standard-8")
WIDTH, HEIGHT = 1280, 800
LOOKS: tuple[tuple[Literal["light", "dark"], int], ...] = (
    ("light", 1280),
    ("dark", 1280),
    ("light", 390),
    ("dark", 320),
)
PAGES = ("", "workstations/new", "ssh-keys", "allowed-ips", "infrastructure", "account", "help", "help/disk")
README: dict[Literal["light", "dark"], str] = {"light": "docs/screenshot.png", "dark": "docs/screenshot-dark.png"}
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
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("Data disk (GB)").fill("50")
    page.get_by_role("button", name="Apply changes").click()
    expect(page.get_by_role("link", name="Review plan")).to_be_visible(timeout=PATIENCE_MS)
    pictures.take("waiting")
    page.goto(portal)
    pictures.take("dashboard")
    page.get_by_role("link", name="Review plan").click()
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
    expect(page.get_by_role("button", name="Stop now")).to_be_visible(timeout=PATIENCE_MS)
    pictures.take("applying")
    page.get_by_role("button", name="Stop after this step and roll back").click()
    pictures.take("stopping")
    expect(page.get_by_text("Canceled").first).to_be_visible(timeout=PATIENCE_MS)
    pictures.take("canceled")
    for path in PAGES:
        page.goto(f"{portal}/{path}")
        pictures.take(path.replace("/", "-") or "workstations")


def show_stock_out(page: Page, portal: PortalProcess, pictures: Pictures) -> None:
    """A machine for which Google has no capacity, and the page that deletes what exists of it."""
    portal.cloud("POST", "/_emulator/faults", {"preset": "stock-out-zones", "id": "scarce", "times": 9})
    failed = create(page, portal.url, "scarce", WORKSTATIONS[1][1])
    expect(page.get_by_role("button", name="Retry")).to_be_visible(timeout=PATIENCE_MS)
    pictures.take("stock-out")
    page.goto(f"{failed}/destroy")
    pictures.take("stock-out-delete")


def main() -> int:
    """Take the pictures of the README, or those of many pages in a folder."""
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        # Slow enough that there is something to stop.
        portal = PortalProcess(Path(data), {"EMULATOR_LATENCY": "1"})
        portal.start()
        try:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, reduced_motion="reduce")
            sign_in(page, portal.url)
            if len(sys.argv) > 1:
                pictures = Pictures(browser, page, Path(sys.argv[1]))
                show_stock_out(page, portal, pictures)
                show_decisions(page, portal.url, pictures)
            else:
                furnish(page, portal.url)
                for scheme, file in README.items():
                    page.emulate_media(color_scheme=scheme)
                    page.screenshot(path=file)
            browser.close()
        finally:
            portal.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
