"""`stationmaster web` as a process of its own on a database of its own: what only a real server shows."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.fernet import Fernet

from tests.portal_process import free_port

READY_S = 30.0
STOP_S = 15.0


@dataclass
class WebProcess:
    """Runs until `stop()`."""

    folder: Path
    database_url: str
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return (self.folder / "web.log").read_text()

    @property
    def resident_kb(self) -> int:
        """The memory that it has now, in kB."""
        return self._of_status("VmRSS")

    @property
    def most_resident_kb(self) -> int:
        """The most memory that it ever had, in kB."""
        return self._of_status("VmHWM")

    def _of_status(self, name: str) -> int:
        assert self.process is not None
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))

    def start(self) -> None:
        """Start it, and wait until it answers."""
        passed = {name: value for name, value in os.environ.items() if not name.startswith("STATIONMASTER_")}
        own = {
            "STATIONMASTER_PORT": str(self.port),
            "STATIONMASTER_DATA_DIR": str(self.folder),
            "DATABASE_URL": self.database_url,
            "STATIONMASTER_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "STATIONMASTER_OIDC_ISSUER": "http://127.0.0.1:9",
            "STATIONMASTER_OIDC_CLIENT_ID": "portal",
            "STATIONMASTER_OIDC_CLIENT_SECRET": "a-client-secret",
            "STATIONMASTER_ALLOWED_DOMAINS": "example.com",
            "STATIONMASTER_GOOGLE_PROJECT": "test-project",
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "web.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app", "web"],
                env={**passed, **own, **self.settings},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + READY_S
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"web did not start:\n{self.log}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def stop(self) -> int:
        """As a service manager does; returns the exit code."""
        assert self.process is not None
        self.process.terminate()
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def connect(self) -> socket.socket:
        """A bare connection, for what no HTTP client would send."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)


@contextmanager
def web_process(folder: Path, database_url: str, **settings: str) -> Iterator[WebProcess]:
    """Runs while the block does; `settings` are named without their prefix."""
    web = WebProcess(folder, database_url, {f"STATIONMASTER_{name.upper()}": value for name, value in settings.items()})
    web.start()
    try:
        yield web
    finally:
        web.stop()
