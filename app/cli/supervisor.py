"""`stationmaster up`: runs the embedded database, the web process and a worker, and stops them together."""

import os
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from app import config, environment, migrate
from app.cli.children import Child, portal_process
from app.config import Settings
from app.errors import StartError
from app.infra.process import Step

if TYPE_CHECKING:
    from app.cli.embedded_postgres import EmbeddedPostgres

log = structlog.get_logger()
POLL_SECONDS = 0.1
READY_WITHIN_SECONDS = 300.0
"""How long the first start may take, because `terraform init` downloads Google's provider."""
# These add up: `up` ends within ten seconds, whatever its children do.
LEAVE_SECONDS = 3.0
"""How long web and worker have to end by themselves, with their runs finished or handed over."""
INTERRUPT_SECONDS = 2.0
"""How long the worker has to store Terraform's output after Terraform was asked to stop."""
POSTGRES_SECONDS = 6.5
"""How long after the request to stop the database may take to end gracefully."""


@dataclass
class Supervisor:
    """Runs database, web process and worker until a signal."""

    settings: Settings
    lock: int
    """The lock of the data folder, which children inherit."""
    children: list[Child] = field(default_factory=list)
    _postgres: "EmbeddedPostgres | None" = None
    _stopping: bool = False

    def run(self) -> None:
        """Start everything, report when the portal is ready, keep the children running, and finally stop them."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # `nohup` ignores SIGHUP, which must stay so.
            if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._stop)
        try:
            self._start_database()
            self._start_portal()
            self._keep_running_until_ready()
            while not self._stopping:
                self._keep_running()
        finally:
            self._end()

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _start_database(self) -> None:
        """Start the embedded database if none is configured, and migrate the database to this release."""
        if not self.settings.database_url:
            # Imported here, because it needs an optional part of the installation.
            from app.cli import embedded_postgres

            self._postgres = embedded_postgres.prepare(self.settings.data_dir, self.lock)
            self._postgres.start()
            self.children.append(self._postgres.child)
            os.environ["DATABASE_URL"] = self._postgres.url
        config.record()
        migrate.upgrade(os.environ["DATABASE_URL"] if self._postgres else self.settings.database_url)

    def _start_portal(self) -> None:
        web = environment.chosen(environment.WEB)
        worker = environment.chosen(environment.WORKER, without=environment.NOT_FOR_WORKER)
        self.children += [portal_process("web", web, self.lock), portal_process("worker", worker, self.lock)]

    def _keep_running(self) -> None:
        for child in self.children:
            child.restart_if_dead()
        time.sleep(POLL_SECONDS)

    def _keep_running_until_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while not self._stopping and not _answers(f"http://{self.settings.host}:{self.settings.port}/readyz"):
            if time.monotonic() > deadline:
                raise StartError("The portal did not become ready within five minutes. See the log lines above.")
            self._keep_running()
        if not self._stopping:
            print(f"Stationmaster is ready at {self.settings.public_url}", flush=True)  # noqa: T201 - the contract's line

    def _end(self) -> None:
        """Stop all children. The database is last, because the others need it to end gracefully."""
        began = time.monotonic()
        portal = [child for child in self.children if self._postgres is None or child is not self._postgres.child]
        for child in portal:
            child.signal(signal.SIGTERM)
        if not _end_within(LEAVE_SECONDS, portal):
            log.info("web or worker has not ended yet, asking Terraform to stop")
            self._interrupt_terraform()
            _end_within(INTERRUPT_SECONDS, portal)
        for child in portal:
            child.signal(signal.SIGKILL)
        if self._postgres:
            self._postgres.stop(POSTGRES_SECONDS - (time.monotonic() - began))

    def _interrupt_terraform(self) -> None:
        """Ask Terraform to stop. It would outlive its worker; this way it saves its state, and the next start
        recovers the run."""
        for recorded in (self.settings.data_dir / "worker" / "runs").glob("*/work/*.sid"):
            Step(recorded.parent.resolve(), recorded.stem).interrupt()


def check_port(host: str, port: int) -> None:
    """Raise StartError if another program listens on this port, whose pages would be mistaken for the portal's."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise StartError(
                f"The portal cannot listen on {host}:{port} ({error.strerror}). Another program may be using it. Stop "
                "it, or choose another port (`make run PORT=8001`, or STATIONMASTER_PORT)."
            ) from None


def _end_within(seconds: float, children: Sequence[Child]) -> bool:
    """Whether all of these children end within so many seconds."""
    deadline = time.monotonic() + seconds
    return all(child.ends_within(deadline - time.monotonic()) for child in children)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as response:  # noqa: S310 - our own http address
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False
