"""Somebody watches a run in the browser while parts of the portal are killed, and goes on seeing it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Person
from tests.e2e.family import named
from tests.portal_process import PortalProcess, running_portal

LOST = "Connection lost. Reconnecting…"
WITHIN_MS = 60_000

pytestmark = pytest.mark.long


@pytest.fixture
def portal() -> Iterator[PortalProcess]:
    # Not in pytest's folder: another pytest that starts takes away the access that the database's user needs.
    with TemporaryDirectory() as folder, running_portal(Path(folder) / "data", {"EMULATOR_LATENCY": "6"}) as portal:
        yield portal


@contextmanager
def without(portal: PortalProcess, name: str) -> Iterator[None]:
    """One of its processes is killed, and not started again while the block runs."""
    up = named(portal)["up"]
    up.suspend()
    named(portal)[name].kill()
    try:
        yield
    finally:
        up.resume()


def see_the_loss_and_the_return(page: Page, portal: PortalProcess, name: str) -> None:
    before = page.locator("#log").inner_text()
    with without(portal, name):
        expect(page.get_by_role("status").filter(has_text=LOST)).to_be_visible(timeout=WITHIN_MS)
        assert before in page.locator("#log").inner_text()
        expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_text(LOST)).to_have_count(0, timeout=WITHIN_MS)


def test_whoever_watches_a_run_is_told_of_an_outage_and_goes_on_by_themselves(
    portal: PortalProcess, person: Person
) -> None:
    page = person.page
    person.sign_in("Grace Hopper")
    person.open("/workstations/new")
    page.get_by_role("button", name="Create workstation").click()
    page.locator("a[href^='/runs/']").first.click()
    expect(page.locator("#log")).to_contain_text("Creating...", timeout=WITHIN_MS)
    terraform = named(portal)["terraform"]
    terraform.suspend()

    see_the_loss_and_the_return(page, portal, "web")
    see_the_loss_and_the_return(page, portal, "postgres")

    terraform.resume()
    expect(page.locator("#run")).to_contain_text("Applied", timeout=WITHIN_MS)
    expect(page.locator("#log")).to_contain_text("Apply complete", timeout=WITHIN_MS)
