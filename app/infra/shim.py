"""shim.py STEP COMMAND…: a small parent for Terraform that outlives the worker.

It records, in the working folder, STEP.pid (Terraform's pid and start time) and STEP.rc (its exit code, once it has
ended). However many signals it gets, Terraform gets exactly one interrupt: a second would make it drop its state.
Single-threaded and without imports of ours, so that it starts within milliseconds: `python -IS shim.py`.
"""

import os
import signal
import sys

FORWARDED = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


def start_time(pid: int) -> str:
    """The process's start in clock ticks since boot (proc(5), field 22): with it, a pid is never mistaken."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:  # noqa: PTH123 - pathlib is slow to import
        return stat.read().rpartition(")")[2].split()[19]


def record(name: str, content: str) -> None:
    """Write a whole file or none."""
    with open(f"{name}.tmp", "w", encoding="ascii") as file:  # noqa: PTH123 - pathlib is slow to import
        file.write(content)
    os.rename(f"{name}.tmp", name)  # noqa: PTH104 - pathlib is slow to import


def main() -> int:
    """Run the command; returns its exit code, or 128 + the signal that ended it."""
    step, command = sys.argv[1], sys.argv[2:]
    awaited = FORWARDED | {signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    pid = os.fork()
    if pid == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, awaited)
        os.execv(command[0], command)  # noqa: S606 - the point of a shim
    record(f"{step}.pid", f"{pid} {start_time(pid)}")
    interrupted = False
    while True:
        received = signal.sigwait(awaited)
        if received is not signal.SIGCHLD and not interrupted:
            interrupted = True
            os.kill(pid, signal.SIGINT)
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            record(f"{step}.rc", str(code))
            return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
