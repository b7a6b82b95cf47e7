"""The MLflow machine without the machine: its own start-up script and server, in a folder of this computer."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ADDRESS, INTERNAL_ADDRESS, PORT = "127.0.0.1", "127.0.0.2", 5077
READY_S = 300.0
STOP_S = 20.0
TOKEN = "token-of-the-service-account"


class MetadataServer:
    """What Google answers to a machine that asks about itself."""

    def __init__(self, project: str, attributes: dict[str, str], others: dict[str, str] | None = None) -> None:
        """`others` are answers by their paths, which need not be asked for as metadata."""
        self._others = others or {}
        card = "instance/network-interfaces/0"
        self._answers = {
            "project/project-id": project,
            f"{card}/ip": INTERNAL_ADDRESS,
            f"{card}/access-configs/0/external-ip": ADDRESS,
            "instance/service-accounts/default/token": json.dumps({"access_token": TOKEN}),
            **{f"instance/attributes/{name}": value for name, value in attributes.items()},
        }
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answers, others = self._answers, self._others

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer = others.get(self.path[1:])
                if self.headers["Metadata-Flavor"] == "Google":
                    answer = answers.get(self.path[1:])
                self.send_response(404 if answer is None else 200)
                self.end_headers()
                self.wfile.write((answer or "").encode())

            def log_message(self, *arguments: object) -> None:
                """Silent."""

        return Handler


class MlflowMachine:
    def __init__(self, root: Path, folder: Path, secrets_url: str) -> None:
        """`root` is the machine's `/`, and keeps what is installed; `folder` is for this run."""
        self.root = root
        self.folder = folder
        self.log = folder / "server.log"
        self.booted = ""
        self._secrets_url = secrets_url
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "bin").mkdir()
        for command in ("systemctl", "useradd"):
            stand_in = folder / "bin" / command
            stand_in.write_text(f'#!/bin/sh\necho "{command} $*" >>"{folder}/calls"\n')
            stand_in.chmod(0o755)

    @property
    def python(self) -> Path:
        return self.root / "opt/mlflow/current/bin/python"

    @property
    def url(self) -> str:
        return f"http://{ADDRESS}:{PORT}"

    def boot(self, project: str, attributes: dict[str, str]) -> None:
        """Runs the start-up script that Terraform gave the machine, with what Terraform gave it."""
        script = self.folder / "startup.sh"
        script.write_text(attributes["startup-script"])
        metadata = MetadataServer(project, {name: attributes[name] for name in attributes if name != script.stem})
        environment = {
            # Not the project's own Python: a machine has the system's.
            "PATH": f"{self.folder / 'bin'}:{_path_without(Path(sys.executable).parent)}",
            "STATIONMASTER_ROOT": str(self.root),
            "STATIONMASTER_METADATA_URL": metadata.url,
            "STATIONMASTER_SECRETS_URL": self._secrets_url,
            "STATIONMASTER_SECONDS_TO_WAIT": "0",
        }
        done = subprocess.run(
            ["bash", script], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        metadata.close()
        self.booted = done.stdout
        assert done.returncode == 0, done.stdout

    def start(self, **differences: str) -> None:
        """Runs what the unit runs, in its environment, but for what differs on this computer."""
        unit = (self.root / "etc/systemd/system/mlflow.service").read_text()
        assert "ExecStart=/opt/mlflow/serve.sh\n" in unit
        # The files hold NAME="VALUE", which bash reads as systemd does.
        files = ("etc/mlflow/settings", "run/mlflow/secrets")
        read = "".join(f". {self.root / name}; " for name in files)
        differ = "".join(f'{name}="$DIFFERENT_{name}"; ' for name in differences)
        environment = {f"DIFFERENT_{name}": value for name, value in differences.items()}
        state = self.folder / "state"
        state.mkdir(exist_ok=True)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                ["bash", "-c", f'set -a; {read}{differ}exec "$0"', str(self.root / "opt/mlflow/serve.sh")],
                env={"PATH": f"{self.python.parent}:/usr/bin:/bin", "MLFLOW_PORT": str(PORT), **environment},
                cwd=state,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait_until_ready()

    def stop(self) -> None:
        if self._process is None:
            return
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = None

    def call(
        self, path: str, login: tuple[str, str] | None = None, body: object = None, **headers: str
    ) -> tuple[int, Any]:
        """Status and answer of a call to MLflow's REST API."""
        request = urllib.request.Request(f"{self.url}/{path}", data=None if body is None else json.dumps(body).encode())
        request.add_header("Content-Type", "application/json")
        if login:
            request.add_header("Authorization", "Basic " + b64encode(":".join(login).encode()).decode())
        for name, value in headers.items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return int(answer.status), answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def run_python(self, code: str, **environment: str) -> str:
        """As a member's laptop does, with MLflow's client."""
        done = subprocess.run(
            [self.python, "-c", code],
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "MLFLOW_TRACKING_URI": self.url, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def calls(self) -> str:
        """Of the commands that would change this computer."""
        calls = self.folder / "calls"
        return calls.read_text() if calls.exists() else ""

    def arguments(self) -> str:
        """The command lines of all processes on this computer."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                continue
        return "\n".join(found)

    def memory_mb(self) -> int:
        """Of the server and its workers, each page that they share counted once."""
        assert self._process
        total = 0
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdecimal() and os.getsid(int(entry.name)) == self._process.pid:
                    rollup = (entry / "smaps_rollup").read_text()
                    total += int(rollup.split("Pss:")[1].split()[0])
            except OSError:
                continue
        return total // 1024

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_S
        while True:
            assert self._process
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            try:
                if self.call("health")[0] == 200:
                    return
            except urllib.error.URLError:
                time.sleep(0.2)


def _path_without(folder: Path) -> str:
    return os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if Path(part) != folder)


def empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
