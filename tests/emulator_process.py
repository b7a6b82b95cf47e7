"""An emulator as a process of its own, for every test that needs a cloud."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

READY_S = 20.0
STOP_S = 20.0
PRINT_ENVIRONMENT = "import json, os, sys; json.dump(dict(os.environ), open(sys.argv[1], 'w')); sys.stdin.read()"


@dataclass
class EmulatorProcess:
    """Runs until `stop()`; `env` is what `python -m emulator -- COMMAND` gives its COMMAND."""

    data_dir: Path
    settings: dict[str, str]
    env: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return self.env["STATIONMASTER_COMPUTE_ENDPOINT"]

    @property
    def log(self) -> str:
        """What the emulator has printed so far."""
        return (self.data_dir.parent / f"{self.data_dir.name}.log").read_text()

    def start(self) -> None:
        """Again with the same data, after `stop()` or `kill()`."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        env_file = self.data_dir.parent / f"{self.data_dir.name}.env.json"
        env_file.unlink(missing_ok=True)
        with (self.data_dir.parent / f"{self.data_dir.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "emulator", "--", sys.executable, "-c", PRINT_ENVIRONMENT, str(env_file)],
                env={**_clean_environment(), **self.settings, "EMULATOR_DATA_DIR": str(self.data_dir)},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + READY_S
        while not self._is_ready(env_file):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the emulator did not start:\n{self.log}")
            time.sleep(0.02)

    def stop(self) -> int:
        """As a service manager does; returns the exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """As a power cut does: nothing is tidied up."""
        self._end(signal.SIGKILL)

    def call(self, method: str, path: str, body: object = None) -> Any:
        """JSON in, JSON out. Raises CallError for an error status."""
        request = urllib.request.Request(
            self.url + path, method=method, data=None if body is None else json.dumps(body).encode()
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise CallError(error.code, json.loads(error.read() or b"null")) from None

    def objects(self, type_: str = "") -> list[dict[str, Any]]:
        """All resources in the cloud, or those of one Terraform type."""
        found = self.call("GET", f"/_emulator/objects?type={type_}" if type_ else "/_emulator/objects")
        return list(found)

    def fault(self, preset: str = "", **fields: Any) -> dict[str, Any]:
        """Injects a fault: see emulator.cloud.faults.Fault for the fields."""
        values = {**({"preset": preset} if preset else {}), **fields}
        return dict(self.call("POST", "/_emulator/faults", values))

    def clear_faults(self) -> None:
        self.call("DELETE", "/_emulator/faults")

    def log_of_calls(self, after: int = 0) -> list[dict[str, Any]]:
        return list(self.call("GET", f"/_emulator/log?after={after}"))

    def _is_ready(self, env_file: Path) -> bool:
        try:
            self.env = json.loads(env_file.read_text())
            self.call("GET", "/_emulator/faults")
        except (FileNotFoundError, ValueError, urllib.error.URLError):
            return False
        return True

    def _end(self, number: signal.Signals) -> int:
        process = self.process
        if process is None:
            return 0
        if process.poll() is None:
            process.send_signal(number)
        try:
            code = process.wait(STOP_S)
        finally:
            process.kill()
            if process.stdin:
                process.stdin.close()
        self.process = None
        return code


class CallError(Exception):
    """The emulator answered with an error status."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body


def start_emulator(tmp_path: Path, latency: str = "0", **env: str) -> EmulatorProcess:
    """A new cloud with its data in `tmp_path`/emulator; `env` is added to the emulator's environment."""
    emulator = EmulatorProcess(tmp_path / "emulator", {"EMULATOR_LATENCY": latency, **env})
    emulator.start()
    return emulator


def _clean_environment() -> dict[str, str]:
    left_out = ("EMULATOR_", "STATIONMASTER_", "GOOGLE_", "TF_")
    return {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
