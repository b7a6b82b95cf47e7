"""shim.py STEP COMMAND…: a small parent for Terraform that outlives the worker.

It records, in the working folder, STEP.pid (Terraform's pid and start time) and STEP.rc (its exit code, once it has
ended). However many signals it gets, Terraform gets exactly one interrupt: a second would make it drop its state.

A worker that follows the command touches the file `watched` every moment. When that has not happened for a while, the
worker is gone and none on this host has taken over: Terraform is asked to stop, so that it is not still at work when a
worker on another host takes the run over.
Single-threaded and without imports of ours, so that it starts within milliseconds: `python -IS shim.py`.
"""

import os
import signal
import sys
import time

WATCHED = "watched"
UNWATCHED_SECONDS = 20.0
"""Well after a worker on the same host would have taken over, and before one on another host may (models/run.py)."""
POLL_SECONDS = 2.0
RECORD_BYTES = 64
"""Of each file that records a process or its end: content, and blanks."""
FORWARDED = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


def start_time(pid: int) -> str:
    """The process's start in clock ticks since boot (proc(5), field 22): with it, a pid is never mistaken."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:  # noqa: PTH123 - pathlib is slow to import
        return stat.read().rpartition(")")[2].split()[19]


def reserve(name: str) -> None:
    """Take the space that a later `record` needs: the disk may be full by then."""
    with open(f"{name}.tmp", "w", encoding="ascii") as file:  # noqa: PTH123 - pathlib is slow to import
        file.write(" " * RECORD_BYTES)


def record(name: str, content: str) -> None:
    """Write a whole file or none, into what was reserved for it."""
    with open(f"{name}.tmp", "r+", encoding="ascii") as file:  # noqa: PTH123 - pathlib is slow to import
        file.write(content.ljust(RECORD_BYTES))
    os.rename(f"{name}.tmp", name)  # noqa: PTH104 - pathlib is slow to import


def mark_as_interrupted(step: str) -> None:
    """Terraform has had its one interrupt; whoever takes over after the shim's death must not send another."""
    os.close(os.open(f"{step}.interrupted", os.O_WRONLY | os.O_CREAT, 0o600))


def is_watched() -> bool:
    """Whether somebody has touched the file lately; where there is none, nobody is expected to."""
    try:
        touched = os.stat(WATCHED).st_mtime  # noqa: PTH116 - pathlib is slow to import
    except FileNotFoundError:
        return True
    return time.time() - touched < UNWATCHED_SECONDS


def use_default_signals() -> None:
    """Every signal as a new process expects it. `nohup`, a shell's `&` and some supervisors hand on ignored ones."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)


def main() -> int:
    """Run the command; returns its exit code, or 128 + the signal that ended it."""
    step, command = sys.argv[1], sys.argv[2:]
    awaited = FORWARDED | {signal.SIGCHLD}
    # Before anything is started: what could not be written down could not be found again.
    for name in ("pid", "rc"):
        reserve(f"{step}.{name}")
    # Blocked first: a signal that comes now is kept until we wait for it.
    signal.pthread_sigmask(signal.SIG_SETMASK, awaited)
    use_default_signals()
    pid = os.fork()
    if pid == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.execv(command[0], command)  # noqa: S606 - the point of a shim
    record(f"{step}.pid", f"{pid} {start_time(pid)}")
    interrupted = False
    unwatched = 0
    while True:
        received = signal.sigtimedwait(awaited, POLL_SECONDS)
        # Twice: after a sleep of the whole machine the worker needs a moment, too.
        unwatched = 0 if is_watched() else unwatched + 1
        desired = received is not None and received.si_signo in FORWARDED
        if (desired or unwatched >= 2) and not interrupted:
            interrupted = True
            try:
                mark_as_interrupted(step)
            except OSError as error:  # a full disk, which must not keep Terraform going
                print(error, file=sys.stderr)  # noqa: T201 - the step's own file of complaints
            os.kill(pid, signal.SIGINT)
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            record(f"{step}.rc", str(code))
            return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
