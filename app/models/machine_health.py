"""Whether a running machine is well, as its reports and its SSH port say. What is not known is not bad."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.models.machine_report import MachineReport, Memory

NEARLY_FULL, FULL = 80, 95
"""Percent of a file system that are used: a warning, and bad."""
LITTLE_MEMORY = 5
"""Percent of the memory that are available: less is a warning."""
PRESSURE = 10.0
"""Percent of a minute in which everything waited for memory: more is a warning."""
KILLED_FOR = timedelta(hours=1)
"""For so long it is said that Linux had to end a process."""
UNREACHABLE_AFTER = timedelta(minutes=2)
SILENT_AFTER = timedelta(minutes=5)
CLOCKS_DIFFER = timedelta(minutes=5)
"""A machine's time that is further in the future makes no sense."""
_HOME, _ROOT = "/home/jupyter", "/"
_GIB = 1 << 30


class Level(StrEnum):
    """How a machine is, or one thing about it."""

    UNKNOWN = "unknown"
    OK = "ok"
    WARN = "warn"
    BAD = "bad"


class Aspect(StrEnum):
    """What is looked at."""

    MOUNT = "mount"
    HOME_DISK = "home_disk"
    BOOT_DISK = "boot_disk"
    DRIVER = "driver"
    MEMORY = "memory"
    SSH = "ssh"
    REPORTS = "reports"


_SEVERITY = list(Level)


@dataclass(frozen=True)
class Finding:
    """How one thing is, with a sentence for people."""

    check: Aspect
    level: Level
    message: str

    @property
    def is_trouble(self) -> bool:
        """Whether somebody should do something."""
        return self.level in {Level.WARN, Level.BAD}


@dataclass(frozen=True)
class Health:
    """All findings about one machine."""

    findings: tuple[Finding, ...] = ()
    checked_at: datetime | None = None
    """When its report was last read."""

    @property
    def level(self) -> Level:
        """The worst of what is known."""
        return max((each.level for each in self.findings), key=_SEVERITY.index, default=Level.UNKNOWN)

    @property
    def troubles(self) -> list[Finding]:
        """What needs somebody, the worst first."""
        return sorted((each for each in self.findings if each.is_trouble), key=lambda each: each.level is Level.WARN)


@dataclass(frozen=True)
class Seen:
    """What the portal saw of a running machine, beside its report."""

    reported_at: datetime | None
    """When its report was last read."""
    running_since: datetime | None
    address: str | None
    reached_at: datetime | None
    """When a worker last reached its SSH port. None: never, perhaps because a firewall keeps workers out."""
    probed_at: datetime | None
    unreachable_since: datetime | None


def judge(report: MachineReport, seen: Seen) -> Health:
    """The health of a running machine as of the last look at it."""
    now = seen.reported_at
    findings = [_ssh(seen)]
    if now is not None:
        findings = [*_disks(report), *_driver(report), _memory(report.memory, now), *findings, _reports(report, seen)]
    return Health(tuple(findings), now)


def _disks(report: MachineReport) -> Iterator[Finding]:
    mount = report.mount
    if mount is None:
        return
    if not mount.is_mounted:
        yield Finding(Aspect.MOUNT, Level.BAD, f"{_HOME} is not mounted.")
    else:
        yield Finding(Aspect.MOUNT, Level.OK, f"{_HOME} is mounted.")
        yield _disk(Aspect.HOME_DISK, _HOME, mount.size_bytes, mount.free_bytes)
    yield _disk(Aspect.BOOT_DISK, _ROOT, mount.boot_size_bytes, mount.boot_free_bytes)


def _disk(check: Aspect, folder: str, size: int | None, free: int | None) -> Finding:
    if not size or free is None or free > size:
        return Finding(check, Level.UNKNOWN, f"How full {folder} is has not been reported.")
    # Rounded down: 94.9 is not 95 yet.
    percent = (size - free) * 100 // size
    level = Level.BAD if percent >= FULL else Level.WARN if percent >= NEARLY_FULL else Level.OK
    return Finding(check, level, f"{folder} is {percent}% full: {_gib(free)} of {_gib(size)} are free.")


def _driver(report: MachineReport) -> Iterator[Finding]:
    match report.driver:
        case None:
            yield Finding(Aspect.DRIVER, Level.UNKNOWN, "The GPU driver's state has not been reported.")
        case "none":
            return
        case "missing":
            yield Finding(Aspect.DRIVER, Level.WARN, "The GPU driver is not installed.")
        case "broken":
            kernel = f" with kernel {report.kernel}" if report.kernel else ""
            yield Finding(Aspect.DRIVER, Level.BAD, f"The GPU driver does not work{kernel}: nvidia-smi fails.")
        case version:
            yield Finding(Aspect.DRIVER, Level.OK, f"The GPU driver {version} works.")


def _memory(memory: Memory | None, now: datetime) -> Finding:
    if memory is None:
        return Finding(Aspect.MEMORY, Level.UNKNOWN, "Memory has not been reported.")
    space = f"{_gib(memory.available_bytes)} of {_gib(memory.total_bytes)} are available."
    if memory.killed_at and -CLOCKS_DIFFER <= now - memory.killed_at <= KILLED_FOR:
        ago = max(0, int((now - memory.killed_at).total_seconds() // 60))
        when = f"{ago} minutes ago" if ago > 1 else "just now"
        return Finding(Aspect.MEMORY, Level.BAD, f"Memory ran out: Linux ended {memory.killed or 'a process'} {when}.")
    if memory.available_bytes * 100 < LITTLE_MEMORY * memory.total_bytes:
        return Finding(Aspect.MEMORY, Level.WARN, f"Memory is almost full: {space}")
    if memory.pressure >= PRESSURE:
        waited = f"Processes waited for memory {memory.pressure:.0f}% of the last minute"
        return Finding(Aspect.MEMORY, Level.WARN, f"{waited}: {space}")
    return Finding(Aspect.MEMORY, Level.OK, space)


def _ssh(seen: Seen) -> Finding:
    if seen.address is None:
        return Finding(Aspect.SSH, Level.UNKNOWN, "SSH is not checked, because the machine has no external IP.")
    if seen.reached_at is None:
        return Finding(Aspect.SSH, Level.UNKNOWN, "SSH is not checked: the portal has not reached this machine yet.")
    if seen.unreachable_since is None or seen.probed_at is None:
        return Finding(Aspect.SSH, Level.OK, "SSH answers.")
    silence = seen.probed_at - seen.unreachable_since
    if silence < UNREACHABLE_AFTER:
        return Finding(Aspect.SSH, Level.UNKNOWN, "SSH did not answer the last check.")
    minutes = int(silence.total_seconds() // 60)
    return Finding(Aspect.SSH, Level.BAD, f"SSH has not answered for {minutes} minutes, although the machine runs.")


def _reports(report: MachineReport, seen: Seen) -> Finding:
    told_at = report.mount.at if report.mount else None
    if told_at is None or seen.reported_at is None or told_at > seen.reported_at + CLOCKS_DIFFER:
        return Finding(Aspect.REPORTS, Level.UNKNOWN, "The machine has not reported yet.")
    # A machine that was suspended reports again within a minute.
    silence = seen.reported_at - max(told_at, seen.running_since or told_at)
    if silence <= SILENT_AFTER:
        return Finding(Aspect.REPORTS, Level.OK, "The machine reports every minute.")
    minutes = int(silence.total_seconds() // 60)
    return Finding(Aspect.REPORTS, Level.BAD, f"The machine has not reported for {minutes} minutes. It may hang.")


def _gib(count: int) -> str:
    return f"{count / _GIB:.1f} GiB"
