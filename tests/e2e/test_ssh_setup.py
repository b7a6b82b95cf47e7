"""From nothing to `ssh`: the clicks and pastes it takes, with a real browser and the real OpenSSH client."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.e2e.conftest import Laptop, Person
from tests.portal_process import PortalProcess, running_portal

BOOT_MS = 60_000


@dataclass
class Hand:
    """Clicks for somebody, and pastes into their terminal, which it counts."""

    person: Person
    laptop: Laptop
    clicks: int = 0
    pastes: int = 0

    def click(self, role: "str", name: str) -> None:
        target: Locator = self.person.page.get_by_role(role, name=name, exact=True)  # type: ignore[arg-type]  # a role's name
        target.click()
        self.clicks += 1

    def paste(self) -> str:
        """What the browser copied, run in a terminal; returns what it printed."""
        line = self.person.page.evaluate("navigator.clipboard.readText()")
        self.pastes += 1
        done = self.laptop.run("sh", "-c", line)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def create(self) -> str:
        """A machine by the form as it comes; returns its name once it runs."""
        self.click("link", "New workstation")
        self.click("button", "Create workstation")
        expect(self.person.page.locator(".title-row").get_by_text("Running")).to_be_visible(timeout=BOOT_MS)
        return self.person.page.get_by_role("heading", level=1).inner_text()

    def sign_in(self) -> None:
        self.click("link", "Sign in with Google")
        self.click("button", "Grace Hopper grace@example.com")


@pytest.fixture
def fresh_portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalProcess]:
    """In which nobody has anything."""
    with running_portal(tmp_path_factory.mktemp("fresh") / "data") as portal:
        yield portal


@pytest.fixture
def hand(fresh_portal: PortalProcess, chromium: Browser, tmp_path: Path) -> Iterator[Hand]:
    context = chromium.new_context(permissions=["clipboard-read", "clipboard-write"])
    context.set_default_timeout(20_000)
    (home := tmp_path / "home").mkdir()
    yield Hand(Person(fresh_portal, context, context.new_page()), Laptop(home))
    context.close()


def fill_agent(laptop: Laptop, folder: Path) -> str:
    """A shell's beginning: an agent with seven keys that no machine accepts."""
    for number in range(7):
        file = folder / f"key-{number}"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file], check=True)
    return f'eval "$(ssh-agent)" >/dev/null && trap "ssh-agent -k >/dev/null" EXIT && ssh-add -q {folder}/key-?'


def test_the_first_machine_takes_8_clicks_and_a_paste_and_the_next_one_a_paste(hand: Hand, tmp_path: Path) -> None:
    hand.person.open("/")
    hand.sign_in()
    first = hand.create()
    hand.click("link", "Set up SSH")
    hand.sign_in()
    hand.click("button", "Copy the command for Linux or macOS")
    assert hand.paste() == f"SSH is set up. Connect with: ssh {first}\n"

    assert hand.laptop.ssh(first, "hostname").startswith(f"{first}-")
    assert (hand.clicks, hand.pastes) == (8, 1)

    hand.person.open("/")
    hand.clicks = hand.pastes = 0
    second = hand.create()
    hand.click("link", "Update SSH files")
    hand.click("button", "Copy the command for Linux or macOS")
    hand.paste()

    assert hand.laptop.ssh(second, "hostname").startswith(f"{second}-")
    assert (hand.clicks, hand.pastes) == (4, 1)

    # An agent full of other keys is in nobody's way.
    many = hand.laptop.run("bash", "-c", f"{fill_agent(hand.laptop, tmp_path)} && ssh -o BatchMode=yes {first} whoami")
    assert (many.stdout, many.returncode) == ("grace\n", 0), many.stderr
    config = (hand.laptop.home / ".ssh" / "config").read_text()
    assert re.findall("Include.*", config) == ["Include ~/.ssh/stationmaster/config"]
    hand.person.open("/")
    expect(hand.person.page.get_by_text("Your SSH files are out of date")).to_be_hidden()
