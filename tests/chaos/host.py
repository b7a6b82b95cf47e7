"""A host: one worker with a data folder of its own, that can be killed, come back, or be lost with all its files."""

import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos import processes
from tests.chaos.script import Victim
from tests.portal_process import ROOT

KEPT = "roots"
"""Initialised Terraform roots: a new machine would make them again, which is no news and takes long."""


@dataclass
class Host:
    """One worker, started again by `look_after` once it may be back."""

    name: str
    data: Path
    environment: dict[str, str]
    process: "subprocess.Popen[bytes] | None" = None
    back_at: float = 0.0
    """When it may start, by time.monotonic()."""
    own_deaths: list[int] = field(default_factory=list)
    """Exit codes of workers that nobody killed."""

    @property
    def runs(self) -> Path:
        return self.data / "worker" / "runs"

    @property
    def log_file(self) -> Path:
        return self.data.parent / f"{self.name}.log"

    @property
    def is_up(self) -> bool:
        return self.pid > 0

    @property
    def pid(self) -> int:
        """Of its worker; 0 while there is none."""
        process = self.process  # another thread may forget it meanwhile
        return process.pid if process and process.poll() is None else 0

    def start(self) -> None:
        """Its standard input is a pipe from here: should the harness die, the worker ends."""
        self.data.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app", "worker", "--end-with-parent"],
                cwd=ROOT,
                # The name by which Postgres shows who waits for a lock.
                env={**self.environment, "STATIONMASTER_DATA_DIR": str(self.data), "PGAPPNAME": self.name},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def look_after(self) -> None:
        """Start the worker if it is not there and may be."""
        if self.process and self.process.poll() is not None:
            self.own_deaths.append(self.process.returncode)
            self._forget()
        if self.process is None and time.monotonic() >= self.back_at:
            self.start()

    def die(self, victim: Victim, away: float) -> None:
        """Kill the worker; with it everything else that runs here, and the files, as the victim says."""
        self.back_at = time.monotonic() + away
        if self.process and self.is_up:
            self.process.kill()
            self.process.wait()
            self._forget()
        if victim is not Victim.WORKER:
            processes.kill_all_in(self.data)
        if victim is Victim.HOST_AND_FILES:
            self._lose_files()

    def stop(self) -> None:
        """In good order if it can, and leave no process behind."""
        if self.process and self.is_up:
            self.process.terminate()
            processes.until(lambda: not self.is_up, 20)
        self.die(Victim.HOST, away=0)
        self._forget()

    def _forget(self) -> None:
        if self.process and self.process.stdin:
            self.process.stdin.close()
        self.process = None

    def _lose_files(self) -> None:
        for run in self.runs.glob("*"):
            shutil.rmtree(temporary(run.name), ignore_errors=True)
        for folder in (self.data, self.data / "worker"):
            for path in folder.glob("*"):
                if path.name == KEPT or path == self.data / "worker":
                    continue
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def temporary(run_id: str) -> Path:
    """Where Terraform keeps a run's sockets."""
    return Path(tempfile.gettempdir()) / f"stationmaster-{run_id}"
