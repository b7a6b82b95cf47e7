"""shim.py STEP COMMAND…: the parent process of Terraform, which outlives the worker.

It records Terraform's process ID and start time in STEP.pid and, once it has ended, its exit code in STEP.rc. However
many signals it gets, Terraform gets exactly one interrupt: a second one would make it drop its state.

A worker that follows the command keeps touching the file `watched`. If that stops for a while, no worker on this host
is left, and the shim interrupts Terraform before a worker on another host takes the run over.

It is single-threaded and imports no module of the portal, so that it starts within milliseconds: `python -IS shim.py`.
"""

import os
import signal
import sys
import time

WATCHED = "watched"
UNWATCHED_SECONDS = 20.0
"""Longer than a worker on the same host needs to take over, and shorter than workers on other hosts wait
(models/run.py)."""
POLL_SECONDS = 2.0
RECORD_BYTES = 64
"""The size of a recorded file, which is padded with blanks."""
FORWARDED = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


def start_time(pid: int) -> str:
    """The start of a process in clock ticks since boot (proc(5), field 22), which tells it from another one with the
    same ID."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:  # noqa: PTH123 - pathlib is slow to import
        return stat.read().rpartition(")")[2].split()[19]


def reserve(name: str) -> None:
    """Reserve the space for a later `record`, as the disk may be full by then."""
    with open(f"{name}.tmp", "w", encoding="ascii") as file:  # noqa: PTH123 - pathlib is slow to import
        file.write(" " * RECORD_BYTES)


def record(name: str, content: str) -> None:
    """Write the file as a whole, in the reserved space."""
    with open(f"{name}.tmp", "r+", encoding="ascii") as file:  # noqa: PTH123 - pathlib is slow to import
        file.write(content.ljust(RECORD_BYTES))
    os.rename(f"{name}.tmp", name)  # noqa: PTH104 - pathlib is slow to import


def mark_as_interrupted(step: str) -> None:
    """Record that Terraform was interrupted, so that no worker does it again after the shim's death."""
    os.close(os.open(f"{step}.interrupted", os.O_WRONLY | os.O_CREAT, 0o600))


def is_watched() -> bool:
    """Whether the file `watched` was touched lately. Without the file, nobody is expected to."""
    try:
        touched = os.stat(WATCHED).st_mtime  # noqa: PTH116 - pathlib is slow to import
    except FileNotFoundError:
        return True
    return time.time() - touched < UNWATCHED_SECONDS


def use_default_signals() -> None:
    """Reset all signals. `nohup`, a shell's `&` and some supervisors pass on ignored ones."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)


def main() -> int:
    """Run the command; returns its exit code, or 128 + the signal that ended it."""
    step, command = sys.argv[1], sys.argv[2:]
    awaited = FORWARDED | {signal.SIGCHLD}
    # Before the command starts: without its record it could not be found again.
    for name in ("pid", "rc"):
        reserve(f"{step}.{name}")
    # Blocked before the start, so that no signal is lost until sigtimedwait.
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
        # Twice in a row, because the worker also needs a moment after the computer was suspended.
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
