"""The world of a round: a database, an emulated cloud, one web process and two hosts with a worker each."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from cryptography.fernet import Fernet

from app.crypto import Vault
from tests.chaos import full_disk, processes
from tests.chaos.applies import Applies
from tests.chaos.database import Database
from tests.chaos.host import Host
from tests.chaos.line import Line
from tests.chaos.web import Web
from tests.emulator_process import EmulatorProcess, start_emulator
from tests.portal_process import ROOT, free_port

LATENCY = "0.25"
"""A machine takes 1 s, a disk 0.4 s: there is a middle, and it is soon over."""
MEMBER, ADMIN = "grace@example.com", "ada@example.com"
READY_S = 180.0
LOOK_SECONDS = 0.05


@dataclass
class World:
    """Everything that a round needs, as real processes; their data and logs are in `folder`.

    :param releases: the checkouts whose code workers run: ours, and another one.
    :param own_disks: each host's data folder is a disk of its own, where we may mount one.
    """

    folder: Path
    releases: tuple[Path, Path] = (ROOT, ROOT)
    own_disks: bool = False
    hosts: list[Host] = field(default_factory=list)
    line: Line = field(default_factory=Line)
    in_trouble: set[str] = field(default_factory=set)
    """Names of hosts, and of what everybody shares, that nothing else must happen to meanwhile."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    """Held while hosts die, and while others must not."""
    _stack: ExitStack = field(default_factory=ExitStack)

    def start(self) -> None:
        """Start it all, and wait until a request would be heard."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            self.database = Database(self.folder / "database")
            stack.callback(self.database.stop)
            self.database.start()
            self.database.migrate()
            self._start_cloud(stack)
            key, port = Fernet.generate_key().decode(), free_port()
            self.vault = Vault([key])
            self.environment = {
                **self.emulator.env,
                "DATABASE_URL": self.database.url,
                "STATIONMASTER_ENCRYPTION_KEYS": key,
                "STATIONMASTER_PORT": str(port),
                "STATIONMASTER_SERVICE_ACCOUNT_EMAIL": "workstations@pocket-project.iam.gserviceaccount.com",
                "STATIONMASTER_WORKSTATION_LIMIT": "1000",
                "STATIONMASTER_GPU_WORKSTATION_LIMIT": "1000",
            }
            self.web = Web(self.folder / "web", self.environment)
            stack.callback(self.web.kill)
            self._start_hosts(stack)
            self._look_after_all(stack)
            self.member, self.admin = (self._client(stack, f"http://127.0.0.1:{port}", who) for who in (MEMBER, ADMIN))
            self.await_ready(workers=len(self.hosts))
            self._stack = stack.pop_all()

    def stop(self) -> None:
        """End all of it; the files stay."""
        self._stack.close()

    def rows(self, query: str, *parameters: object) -> list[dict[str, Any]]:
        """What the database answers."""
        return self.database.rows(query, *parameters)

    def runs_of(self, stacks: Sequence[str]) -> list[dict[str, Any]]:
        """The runs of these stacks, oldest first."""
        return self.rows("SELECT * FROM runs WHERE stack_id = ANY(%s) ORDER BY created_at", list(stacks))

    def is_over(self, run_id: str) -> bool:
        """Whether a run is final."""
        return bool(self.rows("SELECT 1 FROM runs WHERE id = %s AND finished_at IS NOT NULL", run_id))

    def open_runs(self) -> frozenset[str]:
        """Ids of the runs that are not final."""
        return frozenset(row["id"] for row in self.rows("SELECT id FROM runs WHERE finished_at IS NULL"))

    def states(self, stack_id: str) -> list[dict[str, Any]]:
        """A stack's states that count, decrypted, oldest first."""
        versions = self.rows(
            "SELECT sealed FROM state_versions WHERE stack_id = %s AND NOT quarantined ORDER BY number", stack_id
        )
        return [json.loads(self.vault.open(bytes(version["sealed"]))) for version in versions]

    def host_of(self, run_id: str) -> Host | None:
        """The host whose worker holds a run."""
        pids = self.rows(
            "SELECT workers.pid FROM runs JOIN workers ON workers.id = runs.worker_id WHERE runs.id = %s", run_id
        )
        return next((host for host in self.hosts if pids and pids[0]["pid"] in host.pids), None)

    def held_by(self, host: Host) -> list[str]:
        """The runs that a host's workers execute."""
        found = self.rows(
            "SELECT runs.id FROM runs JOIN workers ON workers.id = runs.worker_id"
            " WHERE workers.pid = ANY(%s) AND runs.status IN ('planning', 'applying')",
            list(host.pids),
        )
        return [row["id"] for row in found]

    @contextmanager
    def frozen_workers(self) -> Iterator[None]:
        """No worker does anything meanwhile; at most half a second, since it may hold a lock that we need."""
        pids = [host.pid for host in self.hosts if host.pid and not host.is_frozen]
        thaw = threading.Timer(0.5, processes.resume, [pids])
        processes.freeze(pids)
        thaw.start()
        try:
            yield
        finally:
            thaw.cancel()
            processes.resume(pids)

    def await_ready(self, *, workers: int = 1) -> None:
        """Until web answers, and so many workers are there."""

        def is_ready() -> bool:
            return len(self.rows("SELECT 1 FROM workers")) >= workers and self._answers()

        if not processes.until(is_ready, READY_S):
            logs = [self.web.log_file, *(host.log_file for host in self.hosts)]
            raise RuntimeError("the portal did not start:\n" + "\n".join(log.read_text() for log in logs))

    def _start_cloud(self, stack: ExitStack) -> None:
        """Everybody reaches it through the line, which alone has its own port."""
        self.line.start()
        stack.callback(self.line.stop)
        settings = {
            "EMULATOR_PORT": str(self.line.target_port),
            "EMULATOR_URL": self.line.url,
            "EMULATOR_SSH_PORT": str(free_port()),
        }
        self.emulator: EmulatorProcess = start_emulator(self.folder, LATENCY, **settings)
        stack.callback(self.emulator.kill)

    def _start_hosts(self, stack: ExitStack) -> None:
        self.applies = Applies()
        for name, release in zip("ab", self.releases, strict=True):
            host = Host(f"host-{name}", self.folder / f"host-{name}", self.environment, release)
            host.data.mkdir()
            if self.own_disks and full_disk.mount(host.data):
                stack.callback(full_disk.unmount, host.data)
            stack.callback(host.stop)
            self.hosts.append(host)

    def _client(self, stack: ExitStack, url: str, email: str) -> httpx2.Client:
        client = stack.enter_context(httpx2.Client(base_url=url, timeout=60))
        client.headers["Authorization"] = f"Bearer {self._token(email)}"
        return client

    def _token(self, email: str) -> str:
        command = [sys.executable, "-m", "app", "token", "create", email]
        environment = {**self.environment, "STATIONMASTER_DATA_DIR": str(self.folder / "web")}
        made = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        if made.returncode:
            raise RuntimeError(made.stderr)
        return made.stdout.splitlines()[-1]

    def _answers(self) -> bool:
        try:
            return self.member.get("/readyz").status_code == 200
        except httpx2.TransportError:
            return False

    def _look_after_all(self, stack: ExitStack) -> None:
        ended = threading.Event()

        def look() -> None:
            while not ended.wait(LOOK_SECONDS):
                with self.lock:
                    self.web.look_after()
                    for host in self.hosts:
                        host.look_after(may_fail=bool({"database", host.name} & self.in_trouble))
                self.applies.look(self.hosts)

        keeper = threading.Thread(target=look, name="keeper", daemon=True)
        keeper.start()
        stack.callback(keeper.join)
        stack.callback(ended.set)


def now() -> float:
    """Seconds since the epoch: the clock of the portal's rows."""
    return time.time()


def other_release(world: World, host: Host) -> Path:
    """The one that its worker does not run."""
    return next((release for release in world.releases if release != host.release), host.release)
