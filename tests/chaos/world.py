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
import psycopg
from cryptography.fernet import Fernet
from psycopg.rows import dict_row

from app.crypto import Vault
from tests.chaos import processes
from tests.chaos.host import Host
from tests.database import fresh_database
from tests.emulator_process import EmulatorProcess, start_emulator
from tests.portal_process import ROOT, free_port

LATENCY = "0.25"
"""A machine takes 1 s, a disk 0.4 s: there is a middle, and it is soon over."""
PERSON = "grace@example.com"
READY_S = 180.0
LOOK_SECONDS = 0.05
ONE_AT_A_TIME = threading.Lock()
"""The first database starts the server: not for two threads at once."""


@dataclass
class World:
    """Everything that a round needs, as real processes; their data and logs are in `folder`."""

    folder: Path
    hosts: list[Host] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    """Held while hosts die, and while others must not."""
    _stack: ExitStack = field(default_factory=ExitStack)

    def start(self) -> None:
        """Start it all, and wait until a wish would be heard."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            with ONE_AT_A_TIME:
                self.database_url = stack.enter_context(fresh_database())
            self.database = stack.enter_context(
                psycopg.connect(self.database_url, autocommit=True, row_factory=dict_row)
            )
            self.emulator: EmulatorProcess = start_emulator(self.folder, LATENCY, EMULATOR_SSH_PORT=str(free_port()))
            stack.callback(self.emulator.kill)
            key, port = Fernet.generate_key().decode(), free_port()
            self.vault = Vault([key])
            self.environment = {
                **self.emulator.env,
                "DATABASE_URL": self.database_url,
                "STATIONMASTER_ENCRYPTION_KEYS": key,
                "STATIONMASTER_PORT": str(port),
                "STATIONMASTER_WORKSTATION_LIMIT": "1000",
                "STATIONMASTER_GPU_WORKSTATION_LIMIT": "1000",
            }
            self._start_web(stack)
            self.hosts = [Host(f"host-{name}", self.folder / f"host-{name}", self.environment) for name in "ab"]
            for host in self.hosts:
                stack.callback(host.stop)
                host.start()
            self.api = stack.enter_context(httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=60))
            self.api.headers["Authorization"] = f"Bearer {self._token()}"
            self._wait_until_ready()
            self._look_after_hosts(stack)
            self._stack = stack.pop_all()

    def stop(self) -> None:
        """End all of it; the files stay."""
        self._stack.close()

    def rows(self, query: str, *parameters: object) -> list[dict[str, Any]]:
        """What the database answers."""
        return self.database.execute(query.encode(), parameters).fetchall()

    def runs_of(self, stacks: Sequence[str]) -> list[dict[str, Any]]:
        """The runs of these stacks, oldest first."""
        return self.rows("SELECT * FROM runs WHERE stack_id = ANY(%s) ORDER BY created_at", list(stacks))

    def is_over(self, run_id: str) -> bool:
        """Whether a run is final."""
        return bool(self.rows("SELECT 1 FROM runs WHERE id = %s AND finished_at IS NOT NULL", run_id))

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
        return next((host for host in self.hosts if pids and host.pid == pids[0]["pid"]), None)

    def held_by(self, host: Host) -> list[str]:
        """The runs that a host's worker executes."""
        found = self.rows(
            "SELECT runs.id FROM runs JOIN workers ON workers.id = runs.worker_id"
            " WHERE workers.pid = %s AND runs.status IN ('planning', 'applying')",
            host.pid,
        )
        return [row["id"] for row in found]

    @contextmanager
    def frozen_workers(self) -> Iterator[None]:
        """No worker does anything meanwhile; at most half a second, since it may hold a lock that we need."""
        pids = [host.pid for host in self.hosts if host.pid]
        thaw = threading.Timer(0.5, processes.resume, [pids])
        processes.freeze(pids)
        thaw.start()
        try:
            yield
        finally:
            thaw.cancel()
            processes.resume(pids)

    def _start_web(self, stack: ExitStack) -> None:
        log = stack.enter_context((self.folder / "web.log").open("wb"))
        web = subprocess.Popen(
            [sys.executable, "-m", "app", "web", "--end-with-parent"],
            cwd=ROOT,
            env={**self.environment, "STATIONMASTER_DATA_DIR": str(self.folder / "web")},
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        stack.enter_context(web)
        stack.callback(web.kill)

    def _token(self) -> str:
        command = [sys.executable, "-m", "app", "token", "create", PERSON]
        environment = {**self.environment, "STATIONMASTER_DATA_DIR": str(self.folder / "web")}
        made = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        if made.returncode:
            raise RuntimeError(made.stderr)
        return made.stdout.splitlines()[-1]

    def _wait_until_ready(self) -> None:
        def are_ready() -> bool:
            return len(self.rows("SELECT 1 FROM workers")) == len(self.hosts) and self._answers()

        if not processes.until(are_ready, READY_S):
            logs = [self.folder / "web.log", *(host.log_file for host in self.hosts)]
            raise RuntimeError("the portal did not start:\n" + "\n".join(log.read_text() for log in logs))

    def _answers(self) -> bool:
        try:
            return self.api.get("/readyz").status_code == 200
        except httpx2.TransportError:
            return False

    def _look_after_hosts(self, stack: ExitStack) -> None:
        ended = threading.Event()

        def look() -> None:
            while not ended.wait(LOOK_SECONDS):
                with self.lock:
                    for host in self.hosts:
                        host.look_after()

        keeper = threading.Thread(target=look, name="keeper", daemon=True)
        keeper.start()
        stack.callback(keeper.join)
        stack.callback(ended.set)


def now() -> float:
    """Seconds since the epoch: the clock of the portal's rows."""
    return time.time()
