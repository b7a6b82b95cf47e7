"""A detached process, started with the shim. Any worker on this host can follow it, also after a restart."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.infra.shim import WATCHED, record, reserve, start_time

SHIM = (sys.executable, "-IS", str(Path(__file__).with_name("shim.py")))


__all__ = ["WATCHED", "Step", "accept_signals"]


def accept_signals() -> None:
    """Reset inherited signal settings. A blocked signal would not arrive, and an ignored SIGCHLD would hide exit
    codes."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


@dataclass(frozen=True)
class Step:
    """One command in a run's folder. Its files: STEP.jsonl (output), .err, .sid, .pid, .rc and .interrupted."""

    folder: Path
    name: str

    def file(self, suffix: str) -> Path:
        """The step's file with this suffix."""
        return self.folder / f"{self.name}.{suffix}"

    @property
    def has_started(self) -> bool:
        """Whether the shim was started in this folder."""
        return self.file("sid").exists()

    @property
    def exit_code(self) -> int | None:
        """The command's exit code; None if it is running, or was killed together with its shim."""
        try:
            return int(self.file("rc").read_text())
        except FileNotFoundError:
            return None

    def start(self, argv: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start the command. Raises OSError, for example on a full disk, before anything is started."""
        for suffix in ("sid", "pid", "rc", "interrupted"):
            self.file(suffix).unlink(missing_ok=True)
        recorded = str(self.file("sid"))
        reserve(recorded)
        # A session and files of its own: no signal or broken pipe of its worker can end it.
        with self.file("jsonl").open("wb") as out, self.file("err").open("wb") as err:
            process = subprocess.Popen(
                [*SHIM, self.name, *argv],
                cwd=self.folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        record(recorded, f"{process.pid} {start_time(process.pid)}")

    def is_running(self) -> bool:
        """Whether the shim or, if that was killed, the command is running."""
        return any(_is_alive(self.file(suffix)) for suffix in ("sid", "pid"))

    async def wait(self, tick: Callable[[], Awaitable[None]], every: float) -> int | None:
        """Wait until the command ends, calling `tick` every so many seconds; returns its exit code, None if there is
        none."""
        ended = asyncio.Event()
        with _watched(self.file("sid"), ended):
            while self.is_running() and not ended.is_set():
                await tick()
                try:
                    await asyncio.wait_for(ended.wait(), every)
                except TimeoutError:
                    continue
        # Without a pidfd, or after the shim's death, only polling remains.
        while self.is_running() and self.exit_code is None:
            await tick()
            await asyncio.sleep(every)
        code = self.exit_code
        self._reap()
        if code is None or code < 0:
            # Its provider processes may be left over. A command that ended normally has ended them.
            self._sweep()
        return code

    def interrupt(self) -> bool:
        """Interrupt the command; returns whether it was interrupted now, which happens only once."""
        # A second interrupt would make Terraform drop its state. The file also stops other workers from sending one.
        try:
            self.file("interrupted").touch(exist_ok=False)
        except FileExistsError:
            return False
        # The shim passes the signal on. If it was killed, the command itself gets it.
        return _send(self.file("sid"), signal.SIGTERM) or _send(self.file("pid"), signal.SIGINT)

    def kill(self) -> bool:
        """Kill the command and its child processes; returns whether it was running."""
        if not self.is_running():
            return False
        self._sweep()
        return True

    def _reap(self) -> None:
        """Reap the shim, which would otherwise remain as a zombie."""
        shim = _recorded_pid(self.file("sid"))
        if shim is not None:
            with suppress(ChildProcessError):  # Started by an earlier worker, so that init has reaped it.
                os.waitpid(shim, os.WNOHANG)

    def _sweep(self) -> None:
        """Kill all remaining processes of the session, such as providers."""
        session = _recorded_pid(self.file("sid"))
        # Session IDs are reused after a reboot or in a new container, so the working folder must match as well.
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and session == _session_of(entry) and _works_in(entry, self.folder):
                with suppress(ProcessLookupError):  # It has ended meanwhile.
                    os.kill(int(entry.name), signal.SIGKILL)


def _send(file: Path, number: signal.Signals) -> bool:
    """Send a signal to the process recorded in a file, if that process is still running."""
    pid = _recorded_pid(file)
    if pid is None or not _is_alive(file):
        return False
    try:
        os.kill(pid, number)
    except ProcessLookupError:  # It has ended meanwhile.
        return False
    return True


def _recorded_pid(file: Path) -> int | None:
    try:
        return int(file.read_text().split()[0])
    except FileNotFoundError:
        return None


def _is_alive(file: Path) -> bool:
    """Whether the recorded process is running, and is not a zombie or another process with the same ID."""
    try:
        pid, started = file.read_text().split()
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    # The start time tells it from a later process with the same ID.
    return stat[19] == started and stat[0] != "Z"


def _session_of(entry: Path) -> int | None:
    """The session ID of a running process (proc(5), field 6)."""
    try:
        stat = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(stat[3]) if stat[0] != "Z" else None


def _works_in(entry: Path, folder: Path) -> bool:
    try:
        return (entry / "cwd").readlink() == folder.resolve()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False


class _watched:  # noqa: N801 - a context manager, used like a function
    """Sets an event as soon as the recorded process ends, by a pidfd."""

    def __init__(self, file: Path, ended: asyncio.Event) -> None:
        self._file, self._ended, self._fd = file, ended, -1

    def __enter__(self) -> None:
        pid = _recorded_pid(self._file)
        if pid is None:
            return
        try:
            self._fd = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        asyncio.get_running_loop().add_reader(self._fd, self._ended.set)

    def __exit__(self, *_: object) -> None:
        if self._fd >= 0:
            asyncio.get_running_loop().remove_reader(self._fd)
            os.close(self._fd)
