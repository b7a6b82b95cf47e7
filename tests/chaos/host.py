"""A host: one worker with a data folder of its own, that can be killed, freeze, come back, or lose its files."""

import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos import full_disk, processes
from tests.chaos.trouble import Kind

KEPT = "roots"
"""Initialised Terraform roots: a new machine would make them again, which is no news and takes long."""
LEAVES_WITHIN_S = 90.0
"""In good order: it follows its Terraforms to their ends."""
YOUNG_S = 20.0
"""A worker may find no database or no space as it starts, and leave it to its supervisor to try again."""


@dataclass
class Host:
    """One worker, started again by `look_after` once it may be back."""

    name: str
    data: Path
    environment: dict[str, str]
    release: Path
    """The checkout whose code its worker runs."""
    process: "subprocess.Popen[bytes] | None" = None
    beside: "subprocess.Popen[bytes] | None" = None
    """A second worker with the same folder, while the first one is frozen."""
    is_frozen: bool = False
    back_at: float = 0.0
    """When it may start, by time.monotonic()."""
    own_deaths: list[str] = field(default_factory=list)
    """Workers that ended by themselves, in words."""
    _started: float = 0.0
    _is_leaving: bool = False

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
        return _live_pid(self.process)

    @property
    def pids(self) -> set[int]:
        """Of all its workers."""
        return {self.pid, _live_pid(self.beside)} - {0}

    def start(self) -> None:
        """Start its worker."""
        self.data.mkdir(parents=True, exist_ok=True)
        self.process, self._started = self._new_worker(), time.monotonic()

    def look_after(self, *, may_fail: bool = False) -> None:
        """Start the worker if it is not there and may be.

        :param may_fail: something that it needs in order to start is away.
        """
        if self.process and self.process.poll() is not None:
            is_young = time.monotonic() - self._started < YOUNG_S
            if not (self._is_leaving and self.process.returncode == 0) and not (may_fail and is_young):
                self.own_deaths.append(f"exit code {self.process.returncode}")
            # As a supervisor does, which gives it a moment.
            self.back_at = max(self.back_at, time.monotonic() + 0.5)
            self._is_leaving = False
            _forget(self.process)
            self.process = None
        if self.process is None and time.monotonic() >= self.back_at:
            self.start()

    def die(self, kind: Kind, away: float) -> None:
        """Kill its workers; with them everything else that runs here, and the files, as the kind of trouble says."""
        self.back_at = time.monotonic() + away
        self.is_frozen = self._is_leaving = False
        for worker in (self.process, self.beside):
            if worker:
                worker.kill()
                worker.wait()
                _forget(worker)
        self.process = self.beside = None
        if kind is not Kind.WORKER:
            processes.kill_all_in(self.data)
        if kind is Kind.HOST_AND_FILES:
            self._lose_files()

    def freeze(self, *, beside: bool) -> None:
        """Its worker stands still until `resume`; a second one may be started beside it."""
        self.is_frozen = True
        processes.freeze([self.pid])
        if beside:
            self.beside = self._new_worker()

    def resume(self) -> None:
        """It goes on. The one beside it has until now done its work, and leaves in good order."""
        if self.is_frozen and self.is_up:
            processes.resume([self.pid])
        self.is_frozen = False
        if self.beside:
            self.beside.terminate()

    def forget_beside(self) -> bool:
        """Returns whether the second worker is gone."""
        if self.beside and self.beside.poll() is not None:
            _forget(self.beside)
            self.beside = None
        return self.beside is None

    def leave(self, release: Path) -> None:
        """Ask its worker to go; the next one runs another release's code."""
        self.release, self._is_leaving = release, True
        if self.process and self.is_up:
            self.process.terminate()

    def stop(self) -> None:
        """In good order if it can, and leave no process behind."""
        self.resume()
        if self.process and self.is_up:
            self.process.terminate()
            processes.until(lambda: not self.is_up, 20)
        self.die(Kind.HOST, away=0)

    def _new_worker(self) -> "subprocess.Popen[bytes]":
        """Its standard input is a pipe from here: should the harness die, the worker ends."""
        with self.log_file.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "app", "worker", "--end-with-parent"],
                cwd=self.release,
                # The name by which Postgres shows who waits for a lock.
                env={**self.environment, "STATIONMASTER_DATA_DIR": str(self.data), "PGAPPNAME": self.name},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _lose_files(self) -> None:
        full_disk.free(self.data)
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


def _live_pid(process: "subprocess.Popen[bytes] | None") -> int:
    """0 where there is none. Another thread may forget it meanwhile."""
    return process.pid if process and process.poll() is None else 0


def _forget(process: "subprocess.Popen[bytes]") -> None:
    if process.stdin:
        process.stdin.close()
