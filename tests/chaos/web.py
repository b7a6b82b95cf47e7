"""The web process, which can be killed and comes back."""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.portal_process import ROOT


@dataclass
class Web:
    """Started again by `look_after` once it may be back."""

    folder: Path
    environment: dict[str, str]
    process: "subprocess.Popen[bytes] | None" = None
    back_at: float = 0.0
    """When it may start, by time.monotonic()."""

    @property
    def log_file(self) -> Path:
        return self.folder.parent / f"{self.folder.name}.log"

    @property
    def posts(self) -> int:
        """How many records of machines it has taken."""
        lines = self.log_file.read_text(errors="replace").splitlines() if self.log_file.exists() else []
        return sum("/api/v1/machine/activity" in line and "status=200" in line for line in lines)

    def look_after(self) -> None:
        """Start it if it is not there and may be: should it end by itself, requests have been in vain."""
        if self.process and self.process.poll() is not None:
            self._forget()
        if self.process is None and time.monotonic() >= self.back_at:
            self._start()

    def kill(self, away: float = 0.0) -> bool:
        """kill -9; returns whether it was there."""
        self.back_at = time.monotonic() + away
        if self.process is None:
            return False
        self.process.kill()
        self.process.wait()
        self._forget()
        return True

    def _start(self) -> None:
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app", "web", "--end-with-parent"],
                cwd=ROOT,
                env={**self.environment, "STATIONMASTER_DATA_DIR": str(self.folder)},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _forget(self) -> None:
        if self.process and self.process.stdin:
            self.process.stdin.close()
        self.process = None
