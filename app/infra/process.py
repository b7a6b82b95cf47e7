"""A detached process: started under the shim, followed by whoever is the worker now, today or after a restart."""

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
    """Undo what this process may have inherited: a blocked signal would never reach it, nor how its children ended."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


@dataclass(frozen=True)
class Step:
    """One command in a run's folder. Its files: STEP.jsonl (output), .err, .sid, .pid, .rc and .interrupted."""

    folder: Path
    name: str

    def file(self, suffix: str) -> Path:
        """One of the step's files."""
        return self.folder / f"{self.name}.{suffix}"

    @property
    def has_started(self) -> bool:
        """Whether its shim was ever started in this folder."""
        return self.file("sid").exists()

    @property
    def exit_code(self) -> int | None:
        """The command's exit code; None while it runs, or when it was killed together with its shim."""
        try:
            return int(self.file("rc").read_text())
        except FileNotFoundError:
            return None

    def start(self, argv: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start it in a session of its own, its output in files: nobody's death can end it, by signal or by pipe.

        Raises OSError, as on a full disk, before anything is started.
        """
        for suffix in ("sid", "pid", "rc", "interrupted"):
            self.file(suffix).unlink(missing_ok=True)
        recorded = str(self.file("sid"))
        reserve(recorded)
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
        """Whether the shim, or the command after the shim was killed, is alive."""
        return any(_is_alive(self.file(suffix)) for suffix in ("sid", "pid"))

    async def wait(self, tick: Callable[[], Awaitable[None]], every: float) -> int | None:
        """Wait until it ends, calling `tick` every so many seconds; returns the exit code, None if it left none."""
        ended = asyncio.Event()
        with _watched(self.file("sid"), ended):
            while self.is_running() and not ended.is_set():
                await tick()
                try:
                    await asyncio.wait_for(ended.wait(), every)
                except TimeoutError:
                    continue
        while self.is_running() and self.exit_code is None:
            await tick()
            await asyncio.sleep(every)
        code = self.exit_code
        self._reap()
        if code is None or code < 0:
            # Killed: it could not end its own children. One that ended by itself has.
            self._sweep()
        return code

    def interrupt(self) -> bool:
        """Ask the command to stop in good order; returns whether it was asked, which happens at most once.

        A second interrupt would make Terraform drop its state. The mark outlives whoever sent the first.
        """
        try:
            self.file("interrupted").touch(exist_ok=False)
        except FileExistsError:
            return False
        # The shim passes it on; where the shim was killed, the command gets it itself.
        return _send(self.file("sid"), signal.SIGTERM) or _send(self.file("pid"), signal.SIGINT)

    def kill(self) -> bool:
        """End the command and all that it started, at once: what it knows and has not written down is lost."""
        if not self.is_running():
            return False
        self._sweep()
        return True

    def _reap(self) -> None:
        """Take note of our child's end, or the kernel would keep it as a zombie."""
        shim = _recorded_pid(self.file("sid"))
        if shim is not None:
            with suppress(ChildProcessError):  # started by an earlier worker: init has reaped it
                os.waitpid(shim, os.WNOHANG)

    def _sweep(self) -> None:
        """Kill what is left of the session, such as provider processes after a kill -9 of Terraform.

        Numbers are given out anew after a restart, even of a container: only what works in this folder is ours.
        """
        session = _recorded_pid(self.file("sid"))
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and session == _session_of(entry) and _works_in(entry, self.folder):
                with suppress(ProcessLookupError):  # it has just ended by itself
                    os.kill(int(entry.name), signal.SIGKILL)


def _send(file: Path, number: signal.Signals) -> bool:
    """Signal the process recorded there, if it is still that one."""
    pid = _recorded_pid(file)
    if pid is None or not _is_alive(file):
        return False
    try:
        os.kill(pid, number)
    except ProcessLookupError:  # it has just ended by itself
        return False
    return True


def _recorded_pid(file: Path) -> int | None:
    try:
        return int(file.read_text().split()[0])
    except FileNotFoundError:
        return None


def _is_alive(file: Path) -> bool:
    """Whether the process recorded there is still that very process, and not a zombie."""
    try:
        pid, started = file.read_text().split()
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat[19] == started and stat[0] != "Z"


def _session_of(entry: Path) -> int | None:
    """The session id of a live process (proc(5), field 6)."""
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
    """Sets the event when the recorded process ends, at once, by a pidfd."""

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
