"""Take the README's screenshot anew: `python tools/screenshots.py http://127.0.0.1:8000 docs/screenshot.png`.

The portal must run with the emulator and be new: Grace signs in, makes an SSH key and three workstations, which stay.
"""

import re
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

WORKSTATIONS = (("reader", "e2-standard-4"), ("trainer", "NVIDIA L4.*g2-standard-8|g2-standard-8"))
STILL_COMING = ("tuner", "NVIDIA T4.*n1-standard-8|n1-standard-8")
WIDTH, HEIGHT = 1280, 800
PATIENCE_MS = 120_000


def sign_in(page: Page, portal: str) -> None:
    page.goto(portal)
    page.get_by_role("link", name="Sign in with Google").click()
    page.get_by_role("button", name="Grace Hopper").click()
    page.wait_for_url(f"{portal}/**")


def create(page: Page, portal: str, name: str, machine: str) -> None:
    page.goto(f"{portal}/workstations/new")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label(re.compile(machine)).first.check()
    page.get_by_role("button", name="Create workstation").click()
    page.wait_for_url(re.compile(r"/workstations/(?!new)\w+$"))


def furnish(page: Page, portal: str) -> None:
    """Two machines that run and one on its way."""
    for name, machine in WORKSTATIONS:
        create(page, portal, name, machine)
        expect(page.get_by_text("Running").first).to_be_visible(timeout=PATIENCE_MS)
    create(page, portal, *STILL_COMING)
    page.goto(portal)
    expect(page.get_by_role("link", name=STILL_COMING[0]).first).to_be_visible()


def main() -> int:
    """Take the picture of the dashboard."""
    if len(sys.argv) != 3:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    portal, picture = sys.argv[1].rstrip("/"), Path(sys.argv[2])
    chromium = shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light", reduced_motion="reduce"
        )
        sign_in(page, portal)
        furnish(page, portal)
        page.screenshot(path=picture)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
