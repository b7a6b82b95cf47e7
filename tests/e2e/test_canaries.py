"""Every secret is a canary, looked for in every place that somebody reads: tables, logs, pages, files, processes."""

import html
import json
import re
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import psutil
import psycopg
import pytest
from cryptography.fernet import Fernet

from app.cli import postgres_programs
from app.crypto import Vault
from tests.app.routers.world import TABLE
from tests.database import bare_database, dump
from tests.e2e.family import family
from tests.e2e.shared_stack import SharedStack
from tests.portal_process import ApiUser, PortalProcess, running_portal

OF_SETTINGS = {
    "encryption key": Fernet.generate_key().decode(),
    "OIDC client secret": "canary-of-the-oauth-client",
    "database password": "canary-of-the-database",
}
OFF = ("storage", "docker_registry", "pypi_registry", "kubernetes")


pytestmark = pytest.mark.long


@dataclass
class Process:
    """What everybody on the computer, or its own user, reads of a process."""

    name: str
    command: str
    environment: dict[str, str]


@dataclass
class Processes:
    """Everything that a portal starts, as it was seen again and again."""

    portal: PortalProcess
    seen: dict[tuple[int, str], Process] = field(default_factory=dict)

    @contextmanager
    def watched(self) -> Iterator[None]:
        ends = threading.Event()
        watching = threading.Thread(target=self._watch, args=(ends,))
        watching.start()
        yield
        ends.set()
        watching.join()

    def _watch(self, ends: threading.Event) -> None:
        while not ends.wait(0.1):
            self._look_at(family(self.portal))

    def _look_at(self, processes: list[psutil.Process]) -> None:
        for process in processes:
            with suppress(psutil.Error):
                command = " ".join(process.cmdline())
                # A child has its parent's command line until it has become another program.
                key = (process.pid, command)
                if command and key not in self.seen:
                    self.seen[key] = Process(_name_of(command), command, process.environ())


def _name_of(command: str) -> str:
    names = {"provider": "provider", "shim.py": "shim", "app web": "web", "app worker": "worker"}
    names |= {"stationmaster up": "up", "terraform": "terraform"}
    return next((name for word, name in names.items() if word in command), command)


@dataclass
class Played:
    """A portal in which everything that has a secret was used once."""

    portal: PortalProcess
    canaries: dict[str, str]
    processes: Processes
    places: dict[str, dict[str, str]]
    """Kind of place → its name → what is to be read there."""

    def found_in(self, text: str) -> list[str]:
        """The names of the canaries in it."""
        return [name for name, secret in self.canaries.items() if secret in text]


@pytest.fixture(scope="module")
def database_url() -> Iterator[str]:
    with bare_database() as url:
        # The server asks for no password; that the portal has one is what counts here.
        yield url.replace("postgres:@", f"postgres:{OF_SETTINGS['database password']}@")


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[PortalProcess]:
    settings = {
        "DATABASE_URL": database_url,
        "STATIONMASTER_ENCRYPTION_KEYS": OF_SETTINGS["encryption key"],
        "STATIONMASTER_OIDC_CLIENT_SECRET": OF_SETTINGS["OIDC client secret"],
    }
    with running_portal(tmp_path_factory.mktemp("canaries") / "data", settings) as portal:
        yield portal


@pytest.fixture(scope="module")
def played(portal: PortalProcess, database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Played:
    processes, ada, grace = Processes(portal), ApiUser(portal, "ada@example.com"), ApiUser(portal, "grace@example.com")
    with processes.watched():
        key = grace.call("POST", "/api/v1/ssh-keys/generate", {"name": "pair"}).json
        machine = grace.create("watched")
        grace.wait(machine["id"], "running")
        SharedStack(portal, ada).configure(**{f"deploy_{part}": False for part in OFF}, enable_services=False)
    browsers = {name: _browser(portal, f"{name}@example.com") for name in ("ada", "grace")}
    private = grace.call("GET", f"/api/v1/ssh-keys/{key['id']}/private").text
    canaries = {
        **OF_SETTINGS,
        **{f"cookie of {name}": browser.cookies[_cookie(browser)] for name, browser in browsers.items()},
        "token of ada": ada.token,
        "token of grace": grace.token,
        "private SSH key": private.splitlines()[2],
        "SSH setup command": _set_up_ssh(portal, browsers["grace"]),
        **_sealed(database_url),
    }
    ids = {"workstation_id": machine["id"], "run_id": machine["run_id"], "key_id": key["id"]}
    ids |= _ids_of_admins(browsers["ada"], machine["id"])
    places = {"pages": _pages(browsers, [ada, grace], ids) | _errors(portal, browsers["grace"], grace, database_url)}
    places["tables"] = {"all": dump(database_url)}
    places["logs"] = {"of all processes": portal.log_file.read_text()}
    places["backup"] = {"as SQL": _backup(portal, tmp_path_factory.mktemp("backup"))}
    places["files"] = _files(portal.folder)
    return Played(portal, canaries, processes, places)


def _browser(portal: PortalProcess, email: str) -> httpx2.Client:
    """Signed in at the emulated Google."""
    browser = httpx2.Client(base_url=portal.url)
    there = browser.get("/auth/start").headers["location"]
    hidden = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', httpx2.get(there).text)
    form = {name: html.unescape(value) for name, value in hidden} | {"account": email}
    assert browser.get(httpx2.post(there, data=form).headers["location"]).status_code == 303
    return browser


def _ids_of_admins(ada: httpx2.Client, workstation_id: str) -> dict[str, str]:
    """Of what admins have pages for, and of a security key, which nobody has: its page says so."""
    started = ada.post("/admin/workstations/actions", data={"verb": "start", "workstation_id": workstation_id})
    [member_id, *_] = re.findall(r"/admin/members/(\w+)", ada.get("/admin/members").text)
    action_id = started.headers["location"].rpartition("/")[2]
    return {"action_id": action_id, "member_id": member_id, "security_key_id": "none"}


def _set_up_ssh(portal: PortalProcess, browser: httpx2.Client) -> str:
    """The token of a command that was used."""
    token = str(re.findall(r"stmsetup_[\w-]+", browser.get("/ssh-setup/update").text)[0])
    script = portal.request("GET", "/ssh-setup.sh", Authorization=f"Bearer {token}")
    assert script.text.startswith("#!/bin/sh\n")
    return token


def _cookie(browser: httpx2.Client) -> str:
    [name] = [name for name in browser.cookies if name.startswith("stationmaster")]
    return name


def _sealed(database_url: str) -> dict[str, str]:
    """What is in the encrypted columns: passwords, and what only a state has."""
    vault = Vault([OF_SETTINGS["encryption key"]])
    with psycopg.connect(database_url) as connection:
        [(passwords,)] = connection.execute("SELECT sealed_secrets FROM shared_stacks")
        states = connection.execute("SELECT sealed FROM state_versions").fetchall()
    lineages = {json.loads(vault.open(sealed))["lineage"] for (sealed,) in states}
    assert len(lineages) == 2
    known: dict[str, str] = json.loads(vault.open(passwords))
    return known | {f"state {lineage}": f'"lineage": "{lineage}"' for lineage in lineages}


def _pages(browsers: dict[str, httpx2.Client], users: list[ApiUser], ids: dict[str, str]) -> dict[str, str]:
    """Every page, export and answer of the API, but for streams and those that are there to show a secret."""
    found = {}
    for method, template in TABLE:
        if method != "GET" or template.endswith(("/events", "/private")):
            continue
        path = template.format(**ids)
        for name, browser in browsers.items():
            found[f"{path} as {name}"] = _everything(browser.get(path))
        for user in users:
            found[f"{path} with a token of {user.email}"] = user.call("GET", path).text
    return found


def _everything(answer: httpx2.Response) -> str:
    """The body and the headers of an answer."""
    return f"{answer.headers}\n{answer.text}"


def _errors(portal: PortalProcess, browser: httpx2.Client, grace: ApiUser, database_url: str) -> dict[str, str]:
    """Pages of errors: what is not there, not allowed, not understood, too large, and what breaks unexpectedly."""
    key = {"name": "pair", "public_key": "-----BEGIN OPENSSH PRIVATE KEY-----"}
    answers = [
        *(browser.get(path) for path in ("/nothing", "/admin/audit", "/ssh-keys?x=%00", "/auth/callback?code=x")),
        *(browser.put("/ssh-keys"), browser.post("/ssh-keys", data=key)),
        *(browser.post("/workstations", content=b"x" * 2_000_000), httpx2.get(f"{portal.url}/api/v1/runs")),
    ]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE ssh_keys RENAME TO elsewhere")
        answers += [browser.get("/ssh-keys"), browser.post("/ssh-keys", data=key)]
        told = grace.call("GET", "/api/v1/ssh-keys")
        connection.execute("ALTER TABLE elsewhere RENAME TO ssh_keys")
    assert {answer.status_code for answer in answers} >= {401, 403, 404, 405, 413, 422, 500}
    assert told.status == 500
    return {f"error {number}": _everything(answer) for number, answer in enumerate(answers)} | {"error": told.text}


def _backup(portal: PortalProcess, folder: Path) -> str:
    file = folder / "backup"
    said = portal.command("backup", str(file))
    return said + postgres_programs.run("pg_restore", "--file=-", str(file))


def _files(folder: Path) -> dict[str, str]:
    """All files of the data folder, but for the settings that `up` recorded and the emulated Google's own."""
    recorded = folder / "up.json"
    assert recorded.stat().st_mode & 0o777 == 0o600
    files = [path for path in folder.rglob("*") if path.is_file() and path != recorded]
    ours = [path for path in files if "emulator" not in path.relative_to(folder).parts]
    return {str(path.relative_to(folder)): path.read_bytes().decode(errors="replace") for path in ours}


@pytest.mark.parametrize("kind", ["tables", "logs", "pages", "backup", "files"])
def test_no_secret_is_read_there(played: Played, kind: str) -> None:
    places = played.places[kind]

    assert all(len(secret) > 15 for secret in played.canaries.values())
    assert len("".join(places.values())) > 1000
    assert {name: played.found_in(text) for name, text in places.items() if played.found_in(text)} == {}


def test_run_folders_are_gone(played: Played) -> None:
    assert not [name for name in played.places["files"] if "/runs/" in name]


def test_no_command_line_has_a_secret(played: Played) -> None:
    processes = played.processes.seen.values()

    assert {"up", "web", "worker", "shim", "terraform", "provider"} <= {process.name for process in processes}
    assert [process.name for process in processes if played.found_in(process.command)] == []


def test_no_environment_has_a_secret_that_is_not_its_processes_own(played: Played) -> None:
    known: dict[str, set[str]] = defaultdict(set)
    for process in played.processes.seen.values():
        known[process.name].update(played.found_in(json.dumps(process.environment)))

    passwords = {"sql_password", "mlflow_admin_password", "mlflow_member_password", "mlflow_secret_key"}
    may_know = dict.fromkeys(("shim", "terraform", "provider"), passwords)
    may_know |= {"up": set(OF_SETTINGS), "web": set(OF_SETTINGS), "worker": set(OF_SETTINGS) - {"OIDC client secret"}}
    assert {name: found - may_know.get(name, set()) for name, found in known.items()} == {name: set() for name in known}
    assert known["terraform"] == passwords
