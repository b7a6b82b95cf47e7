"""The processes that `up` starts, and starts again whenever they die."""

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
"""A process that lived this long begins again with the shortest back-off."""


@dataclass
class Child:
    """One process that is started again whenever it dies."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    """All that it gets."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """More for subprocess.Popen."""
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    start_at: float = 0.0
    deaths: int = 0

    def start(self) -> None:
        """Start it in a session of its own, so that a terminal's Ctrl-C reaches only the supervisor.

        Its standard input is a pipe from here that never carries anything: when it closes, the supervisor is gone.
        """
        self.process = subprocess.Popen(
            self.command, env=dict(self.environment), stdin=subprocess.PIPE, start_new_session=True, **self.options
        )
        self.started = time.monotonic()

    @property
    def is_alive(self) -> bool:
        """Whether it runs now."""
        return self.process is not None and self.process.poll() is None

    def restart_if_dead(self) -> None:
        """Start it again if it died, later each time."""
        now = time.monotonic()
        if self.process is not None and not self.is_alive:
            self.deaths = 0 if now - self.started > STEADY_SECONDS else self.deaths + 1
            wait = BACK_OFF_SECONDS[min(self.deaths, len(BACK_OFF_SECONDS) - 1)]
            log.warning("process died", process=self.name, exit_code=self.process.returncode, again_in_seconds=wait)
            self.process, self.start_at = None, now + wait
        if self.process is None and now >= self.start_at:
            self.start()

    def signal(self, number: signal.Signals) -> None:
        """Pass a signal on, if it lives."""
        if self.process is not None and self.is_alive:
            self.process.send_signal(number)

    def ends_within(self, seconds: float) -> bool:
        """Wait for its end."""
        if self.process is None:
            return True
        try:
            self.process.wait(max(seconds, 0))
        except subprocess.TimeoutExpired:
            return False
        return True


def portal_process(name: str, environment: Mapping[str, str], lock: int) -> Child:
    """`stationmaster NAME` with a supervisor; it keeps the data folder locked for as long as it lives."""
    return Child(name, (sys.executable, "-m", "app", name, "--end-with-parent"), environment, {"pass_fds": (lock,)})
