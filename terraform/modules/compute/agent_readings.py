"""What the kernel and the tools of this machine say, at one moment or since the moment before. Part of agent.py."""

import os
import re
import subprocess
import time
from pathlib import Path

PROC = Path(os.environ.get("STATIONMASTER_PROC", "/proc"))
PATIENCE_SECONDS = 10
HERTZ = os.sysconf("SC_CLK_TCK")
DISK = re.compile(r"(sd[a-z]+|vd[a-z]+|nvme\d+n\d+)")
NOT_OUTSIDE = re.compile(r"lo$|docker|veth|br-|virbr")


def run(*command, stdin=""):
    """What a command prints; None if it fails or does not end."""
    try:
        done = subprocess.run(
            command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=PATIENCE_SECONDS, text=True
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def read(*path):
    """A file below /proc; None if there is none, or no longer."""
    try:
        return PROC.joinpath(*path).read_bytes()
    except OSError:
        return None


def words(*path):
    """Its lines, as words."""
    return [line.split() for line in (read(*path) or b"").decode(errors="replace").splitlines()]


def known(measure, *arguments):
    """What it returns; None if the kernel or a tool says something else than expected."""
    try:
        return measure(*arguments)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return None


class Process:
    """A process at one moment."""

    def __init__(self, pid):
        stat = read(pid, "stat").decode(errors="replace")
        # The name may have spaces and parentheses.
        begin, end = stat.index("("), stat.rindex(")")
        fields = stat[end + 2 :].split()
        self.pid, self.name, self.parent = pid, stat[begin + 1 : end], fields[1]
        self.seconds = (int(fields[11]) + int(fields[12])) / HERTZ
        self.began = int(fields[19]) / HERTZ

    @property
    def arguments(self):
        return read(self.pid, "cmdline") or b""

    def transferred(self):
        """Bytes that it read and wrote so far, of whatever."""
        counts = dict(line for line in words(self.pid, "io") if len(line) == 2)
        return int(counts["rchar:"]) + int(counts["wchar:"])


class Reading:
    """All counters at one moment."""

    def __init__(self):
        self.at = time.time()
        self.uptime = known(lambda: float(words("uptime")[0][0]))
        self.cpu = known(lambda: [int(count) for count in words("stat")[0][1:9]])
        self.disks = known(disk_bytes)
        self.network = known(network_bytes)
        pids = [each.name for each in PROC.iterdir() if each.name.isdigit()]
        self.processes = {pid: process for pid in pids if (process := known(Process, pid))}
        self.io = {pid: known(each.transferred) for pid, each in self.processes.items() if not is_kernels(each)}


def is_kernels(process):
    """Whether it is Linux's own: those have no files and no users."""
    return process.parent == "2" or process.pid == "2"


def disk_bytes():
    lines = [line for line in words("diskstats") if DISK.fullmatch(line[2])]
    return [512 * sum(int(line[column]) for line in lines) for column in (5, 9)]


def network_bytes():
    lines = [line.partition(":") for line in (read("net", "dev") or b"").decode().splitlines()[2:]]
    counts = [counts.split() for name, _, counts in lines if not NOT_OUTSIDE.match(name.strip())]
    return [sum(int(each[column]) for each in counts) for column in (0, 8)] if lines else None


def cpu_percent(before, after):
    spent = [new - old for old, new in zip(before.cpu, after.cpu)]
    return 100 * (1 - (spent[3] + spent[4]) / sum(spent))


def rates(before, after, elapsed):
    """Bytes a second of two counters each; unknown after a counter began anew."""
    each = [(new - old) / elapsed for old, new in zip(before, after)]
    return each if min(each) >= 0 else [None, None]


def memory():
    sizes = {line[0]: 1024 * int(line[1]) for line in words("meminfo")[:5]}
    return sizes["MemTotal:"] - sizes["MemAvailable:"], sizes["MemTotal:"]


def spent(before, process):
    """Seconds of CPU time since the reading before."""
    old = before.processes.get(process.pid)
    return process.seconds - (old.seconds if old and old.began == process.began else 0)


def describe(process, before, after):
    elapsed = after.at - before.at
    old, new = before.io.get(process.pid), after.io.get(process.pid)
    return {
        "name": process.name,
        "age": known(lambda: max(0, int(after.uptime - process.began))),
        "cpu": round(100 * spent(before, process) / elapsed, 1),
        "io": round((new - old) / elapsed) if old is not None and new is not None else None,
    }
