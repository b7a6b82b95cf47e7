"""One portal for all end-to-end tests of a process, a browser, and a home for the real OpenSSH client."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.portal_process import ApiUser, PortalProcess, running_portal
from tests.terminal import Terminal

CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

# Long: two busy cores are slow, and a page that never shows it fails all the same.
expect.set_options(timeout=60_000)

NO_QUESTION = ("-o", "StrictHostKeyChecking=yes")
"""Options of ssh: a host key that is not known yet is refused."""


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalProcess]:
    with running_portal(tmp_path_factory.mktemp("portal") / "data") as portal:
        yield portal


@pytest.fixture(scope="session")
def grace_api(portal: PortalProcess) -> ApiUser:
    return ApiUser(portal, "grace@example.com")


@pytest.fixture(scope="session")
def linus_api(portal: PortalProcess) -> ApiUser:
    return ApiUser(portal, "linus@example.com")


# Not of the session: while it lives, Playwright's event loop would be in the way of other modules' asynchronous tests.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium")
    assert path, "these tests need Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@dataclass
class Person:
    """Somebody at a browser."""

    portal: PortalProcess
    context: BrowserContext
    page: Page

    def sign_in(self, name: str) -> None:
        self.page.goto(f"{self.portal.url}/")
        self.page.get_by_role("link", name="Sign in with Google").click()
        self.page.get_by_role("button", name=name).click()

    def open_run(self, kind: str) -> None:
        """The newest run of this kind, from the history on the workstation's page."""
        history = self.page.get_by_role("region", name="History")
        history.get_by_role("link", name=kind, exact=True).first.click()
        expect(self.page.get_by_role("log")).to_be_visible()

    def open(self, path: str) -> None:
        self.page.goto(self.portal.url + path)


@pytest.fixture
def person(portal: PortalProcess, chromium: Browser) -> Iterator[Person]:
    context = chromium.new_context(accept_downloads=True)
    context.set_default_timeout(20_000)
    yield Person(portal, context, context.new_page())
    context.close()


@pytest.fixture
def person_without_javascript(portal: PortalProcess, chromium: Browser) -> Iterator[Person]:
    context = chromium.new_context(java_script_enabled=False)
    context.set_default_timeout(20_000)
    yield Person(portal, context, context.new_page())
    context.close()


@dataclass
class Laptop:
    """A member's computer: OpenSSH takes ~ from the password file, so the test's home is mounted in its place."""

    home: Path

    def run(self, *command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command with that home, from a folder that has nothing to do with it."""
        at_home, environment = self._at_home(*command)
        return subprocess.run(at_home, env=environment, input=stdin, capture_output=True, text=True, timeout=60)

    def open(self, host: str, command: str) -> "subprocess.Popen[str]":
        """An SSH session that stays open; its command says "in" first."""
        at_home, environment = self._at_home("ssh", "-o", "BatchMode=yes", host, command)
        session = subprocess.Popen(at_home, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert session.stdout
        assert session.stdout.readline() == "in\n"
        return session

    def terminal(self, *command: str) -> Terminal:
        """One in which this command runs; ssh gets a terminal at the other end as well."""
        at_home, environment = self._at_home(command[0], "-tt", "-o", "BatchMode=yes", *command[1:])
        return Terminal(at_home, environment)

    def _at_home(self, *command: str) -> tuple[list[str], dict[str, str]]:
        """The command as it is run, and its environment."""
        mount = 'mount --bind "$0" "$1" && cd / && shift && exec "$@"'
        real_home = pwd.getpwuid(0).pw_dir
        unshared = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, str(self.home), real_home]
        return [*unshared, *command], {"PATH": os.environ["PATH"], "HOME": real_home}

    def ssh(self, *arguments: str, stdin: str = "") -> str:
        result = self.run("ssh", "-o", "BatchMode=yes", *arguments, stdin=stdin)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def install(self, name: str, content: str, mode: int = 0o600) -> None:
        """Put a file where the portal says it goes: ~/.ssh/stationmaster."""
        file = self.home / ".ssh" / "stationmaster" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        file.chmod(mode)


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    (home / ".ssh" / "config").write_text("Include ~/.ssh/stationmaster/config\n")
    (home / ".ssh" / "config").chmod(0o600)
    return Laptop(home)


def install(person: Person, laptop: Laptop, api: ApiUser) -> None:
    """A key of the laptop's own, and the portal's two files."""
    person.sign_in("Grace Hopper")
    laptop.install("config", api.call("GET", "/ssh_compute_config").text)
    laptop.install("known_hosts", api.call("GET", "/ssh_known_hosts").text)


@pytest.fixture
def equipped(laptop: Laptop, grace_api: ApiUser) -> Iterator[Laptop]:
    """Grace's laptop with a private half that the portal made."""
    made = grace_api.call("POST", "/api/v1/ssh-keys/generate", {"name": "boot-key"}).json
    laptop.install("boot-key", grace_api.call("GET", f"/api/v1/ssh-keys/{made['id']}/private").text)
    yield laptop
    grace_api.call("DELETE", f"/api/v1/ssh-keys/{made['id']}")
