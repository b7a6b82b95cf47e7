"""Processes as the kernel shows them: whose working folder is whose, and their end."""

import os
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
GONE = (FileNotFoundError, ProcessLookupError, PermissionError)


def working_in(folder: Path) -> list[int]:
    """Live processes whose working folder is this one or below it."""
    found = []
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with suppress(*GONE):
                working = (entry / "cwd").readlink()
                # A removed folder's name ends with " (deleted)".
                if working == folder or folder in working.parents:
                    found.append(int(entry.name))
    return found


def describe(pid: int) -> str:
    """Its command line, shortened."""
    try:
        return (
            f"{pid}: " + (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:150]
        )
    except GONE:
        return f"{pid}: gone"


def recorded(file: Path) -> int:
    """The process that a file names with its start time; 0 where that one is not alive any more."""
    try:
        pid, started = file.read_text().split()
        fields = (PROC / pid / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except (*GONE, NotADirectoryError, ValueError):
        return 0
    return int(pid) if fields[19] == started and fields[0] not in "ZX" else 0


def kill(pid: int) -> bool:
    """kill -9; returns whether it was there."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def freeze(pids: Iterable[int]) -> None:
    """They stand still, and know nothing of it, until `resume`."""
    _signal(pids, signal.SIGSTOP)


def resume(pids: Iterable[int]) -> None:
    """They go on."""
    _signal(pids, signal.SIGCONT)


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def kill_all_in(folder: Path) -> None:
    """kill -9 everything there, and what those started meanwhile."""
    until(lambda: not [pid for pid in working_in(folder) if kill(pid)], 10.0, every=0.01)


def until(condition: Callable[[], object], seconds: float, every: float = 0.05) -> bool:
    """Wait for it at most so long; returns whether it came true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True
