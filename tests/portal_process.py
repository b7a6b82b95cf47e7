"""The whole portal as `make run` starts it, with the emulator around it, for end-to-end tests and measurements."""

import json
import os
import signal
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
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
STATIONMASTER = Path(sys.executable).with_name("stationmaster")
READY_S = 90.0
STOP_S = 60.0


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class Answer:
    """An HTTP answer, whatever its status."""

    status: int
    text: str
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class PortalProcess:
    """`python -m emulator -- stationmaster up`, its data in `folder`."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    up_command: tuple[str, ...] = (str(STATIONMASTER), "up")
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        passed = {name: value for name, value in os.environ.items() if not name.startswith(("STATIONMASTER_", "TF_"))}
        own = {
            "STATIONMASTER_DATA_DIR": str(self.folder),
            "STATIONMASTER_PORT": str(self.port),
            # What is measured and tried here is not how many somebody may have.
            "STATIONMASTER_WORKSTATION_LIMIT": "1000",
            "STATIONMASTER_GPU_WORKSTATION_LIMIT": "1000",
            "EMULATOR_DATA_DIR": str(self.folder / "emulator"),
            "EMULATOR_LATENCY": "0",
        }
        return {**passed, **own, **self.settings}

    @property
    def log_file(self) -> Path:
        return self.folder / "up.log"

    @property
    def up(self) -> dict[str, str]:
        """The settings that `up` runs with."""
        return dict(json.loads((self.folder / "up.json").read_text()))

    @property
    def cloud_url(self) -> str:
        return self.up["STATIONMASTER_COMPUTE_ENDPOINT"]

    def start(self) -> None:
        """Start it, and wait for its line."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "emulator", "--", *self.up_command],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + READY_S
        while f"Stationmaster is ready at {self.url}\n" not in self.log_file.read_text():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the portal did not start:\n{self.log_file.read_text()}")
            time.sleep(0.05)

    def stop(self) -> int:
        """As Ctrl-C does; returns the exit code."""
        if self.process is None:
            raise AssertionError("not started")
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise

    def command(self, *arguments: str) -> str:
        """`stationmaster ARGUMENTS` in another terminal; returns what it printed."""
        result = subprocess.run(
            [str(STATIONMASTER), *arguments], env=self.environment, cwd=self.folder, capture_output=True, text=True
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    def command_with_cloud(self, *arguments: str) -> str:
        """The same where the portal does not run: the emulator is started around it."""
        command = [sys.executable, "-m", "emulator", "--", str(STATIONMASTER), *arguments]
        self.folder.mkdir(parents=True, exist_ok=True)
        result = subprocess.run(command, env=self.environment, cwd=self.folder, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def request(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """One HTTP request, a redirect not followed."""
        return _http(method, self.url + path, body, headers)

    def cloud(self, method: str, path: str, body: object = None) -> Any:
        """A request to the emulator."""
        return _http(method, self.cloud_url + path, body, {}).json

    def cloud_objects(self, containing: str = "") -> list[str]:
        """The Terraform ids of what the cloud holds and whose name has this in it, without snapshots: deleted disks
        rest as such."""
        ids = [each["id"] for each in self.cloud("GET", "/_emulator/objects")]
        return sorted(id_ for id_ in ids if containing in id_ and "/snapshots/" not in id_)


@dataclass
class ApiUser:
    """Somebody with an API token."""

    portal: PortalProcess
    email: str
    token: str = ""

    def __post_init__(self) -> None:
        self.token = self.token or self.portal.command("token", "create", self.email).splitlines()[-1]

    def call(self, method: str, path: str, body: object = None) -> Answer:
        return self.portal.request(method, path, body, Authorization=f"Bearer {self.token}")

    def create(self, name: str, machine_type: str = "e2-standard-4", **more: object) -> dict[str, Any]:
        answer = self.call("POST", "/api/v1/workstations", {"name": name, "machine_type": machine_type, **more})
        assert answer.status == 201, answer.text
        return dict(answer.json)

    def wait(self, workstation_id: str, *statuses: str, seconds: float = 90) -> dict[str, Any]:
        """Until the workstation has one of these statuses."""
        deadline = time.monotonic() + seconds
        while (found := self.call("GET", f"/api/v1/workstations/{workstation_id}").json)["status"] not in statuses:
            assert time.monotonic() < deadline, found
            time.sleep(0.2)
        return dict(found)

    def run(self, run_id: str) -> dict[str, Any]:
        """One run as the API tells it."""
        return dict(self.call("GET", f"/api/v1/runs/{run_id}").json)

    def wait_run(self, run_id: str, *statuses: str, seconds: float = 180) -> dict[str, Any]:
        """Until the run has one of these statuses."""
        deadline = time.monotonic() + seconds
        while (found := self.run(run_id))["status"] not in statuses:
            assert time.monotonic() < deadline, found
            time.sleep(0.2)
        return found

    def log(self, run_id: str) -> list[str]:
        """The messages of the run's log so far."""
        lines = self.call("GET", f"/api/v1/runs/{run_id}/log").text.splitlines()
        return [str(json.loads(line)["message"]) for line in lines]


def worker_pid(portal: PortalProcess) -> int:
    """The worker of this portal, and of no other that runs here."""
    for process in Path("/proc").iterdir():
        is_worker = process.name.isdigit() and b"worker\0--end-with-parent" in (process / "cmdline").read_bytes()
        if is_worker and str(portal.folder).encode() in (process / "environ").read_bytes():
            return int(process.name)
    raise AssertionError("no worker")


def _http(method: str, url: str, body: object, headers: dict[str, str]) -> Answer:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, method=method, data=data, headers=headers)
    if data is not None:
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=60) as answer:
            return Answer(answer.status, answer.read().decode(), dict(answer.headers))
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read().decode(), dict(error.headers))


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


@contextmanager
def running_portal(data_dir: Path, settings: dict[str, str] | None = None) -> Iterator[PortalProcess]:
    """A portal with an emulator of its own, which has to end in good order."""
    portal = PortalProcess(data_dir, settings or {})
    portal.start()
    yield portal
    assert portal.stop() == 0, portal.log_file.read_text()
