"""The child processes of `up`, which are restarted if they die."""

import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

log = structlog.get_logger()
BACK_OFF_SECONDS = (0.0, 1.0, 2.0, 5.0)
STEADY_SECONDS = 60.0
"""A process that lived at least this long is restarted without delay."""


@dataclass
class Child:
    """A child process that is restarted if it dies."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    """All environment variables that it gets."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Additional options of subprocess.Popen."""
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    start_at: float = 0.0
    deaths: int = 0

    def start(self) -> None:
        """Start the process."""
        # In its own session, so that Ctrl-C in a terminal reaches only the supervisor, which ends the children in
        # order.
        self.process = subprocess.Popen(
            # Nothing is ever written to the pipe. When it closes, the child knows that the supervisor is gone.
            self.command,
            env=dict(self.environment),
            stdin=subprocess.PIPE,
            start_new_session=True,
            **self.options,
        )
        self.started = time.monotonic()

    @property
    def is_alive(self) -> bool:
        """Whether it is running."""
        return self.process is not None and self.process.poll() is None

    def restart_if_dead(self) -> None:
        """Restart it if it has died, after a delay that grows with each death."""
        now = time.monotonic()
        if self.process is not None and not self.is_alive:
            # A process that ran for a while is not one that fails at once.
            self.deaths = 0 if now - self.started > STEADY_SECONDS else self.deaths + 1
            wait = BACK_OFF_SECONDS[min(self.deaths, len(BACK_OFF_SECONDS) - 1)]
            log.warning("process died", process=self.name, exit_code=self.process.returncode, again_in_seconds=wait)
            self.process, self.start_at = None, now + wait
        if self.process is None and now >= self.start_at:
            self.start()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it is running."""
        if self.process is not None and self.is_alive:
            self.process.send_signal(number)

    def ends_within(self, seconds: float) -> bool:
        """Whether it ends within so many seconds."""
        if self.process is None:
            return True
        try:
            self.process.wait(max(seconds, 0))
        except subprocess.TimeoutExpired:
            return False
        return True


def portal_process(name: str, environment: Mapping[str, str], lock: int) -> Child:
    """A process of `stationmaster NAME`, which keeps the data folder locked as long as it lives."""
    return Child(name, (sys.executable, "-m", "app", name, "--end-with-parent"), environment, {"pass_fds": (lock,)})
