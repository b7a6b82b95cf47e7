"""The idle stop of a workstation: whether it is in use by what its agent reports, since when it is idle, and when it is
stopped for that. Whatever is unknown, missing or old counts as in use."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Mapped

from app.models.activity import Activity, Minute
from app.models.lifetime import HasLifetime
from app.models.machine_health import SILENT_AFTER
from app.models.office_hours import Moment
from app.models.run_kinds import RunKind

WARNINGS = (timedelta(minutes=30), timedelta(minutes=10))
"""How long before a stop its users are warned."""
LONGEST_KEPT = timedelta(days=7)
NETWORK = 100_000
"""Bytes a second above which the machine downloads or uploads something."""
DISK = 1_000_000
"""Bytes a second above which something works on its disks."""
ONE_CORE = 50.0
"""Percent of a core above which a process works, however many cores the machine has."""
TYPED = 90
"""Seconds for which a key that was pressed counts."""
FRESH_FOR = timedelta(minutes=3)
"""A record that is older says nothing about now. Workers read one a minute."""
_A_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class IdleLimits:
    """Below which use a machine is idle, in percent."""

    gpu: float
    cpu: float
    """Of all cores."""
    has_gpu: bool
    """Whether the machine has one: then its use must be known."""


def uses(activity: Activity, limits: IdleLimits) -> list[str]:
    """What the machine is used for, as phrases; empty if everything says idle."""
    return [
        *_gpu_uses(activity, limits),
        *_above("CPU", activity.cpu, limits.cpu, "%"),
        *_above("Download", activity.received, NETWORK, " B/s"),
        *_above("Upload", activity.sent, NETWORK, " B/s"),
        *_above("Disk reads", activity.disk_read, DISK, " B/s"),
        *_above("Disk writes", activity.disk_written, DISK, " B/s"),
        *_people(activity),
        *_jobs(activity),
    ]


def _above(what: str, value: float | None, limit: float, unit: str) -> Iterator[str]:
    if value is None:
        yield f"{what} unknown"
    elif value >= limit:
        yield f"{what} {value:,.0f}{unit}"


def _gpu_uses(activity: Activity, limits: IdleLimits) -> Iterator[str]:
    # A broken driver reports no GPU. That says nothing about a machine which has one.
    if activity.gpus is None or (limits.has_gpu and not activity.gpus):
        yield "GPU unknown"
    for gpu in activity.gpus or ():
        yield from _above("GPU", gpu.use if gpu else None, limits.gpu, "%")


def _people(activity: Activity) -> Iterator[str]:
    if activity.logins is None:
        yield "Sessions unknown"
    for login in activity.logins or ():
        if login is None or login.idle is None:
            # An editor's connection has no terminal: nobody knows whether somebody types.
            yield "A session without a terminal"
        elif login.idle < TYPED:
            yield "Somebody types"


def _jobs(activity: Activity) -> Iterator[str]:
    if activity.multiplexers is None:
        yield "tmux and screen unknown"
    for pane in activity.multiplexers or ():
        if pane is None or pane.has_job is not False:
            yield f"{pane.job or 'A job'} in {pane.kind or 'tmux'}" if pane else "A job in tmux"
    if activity.busy_kernels is None:
        yield "Jupyter unknown"
    elif activity.busy_kernels:
        yield "A Jupyter kernel"
    process = activity.busiest
    if process is None or process.cpu is None:
        yield "Processes unknown"
    elif process.cpu >= ONE_CORE:
        yield process.name or "A process"


def is_idle_minute(minute: Minute, limits: IdleLimits) -> bool:
    """Whether the numbers of an earlier minute all say idle."""
    bounds = {"cpu": limits.cpu, "received": NETWORK, "sent": NETWORK, "disk": DISK, "typed": 1, "jobs": 1}
    if limits.has_gpu:
        bounds["gpu"] = limits.gpu
    numbers = [(getattr(minute, name), bound) for name, bound in bounds.items()]
    return all(number is not None and number < bound for number, bound in numbers)


class StopsWhenIdle(HasLifetime):
    """Columns and rules of `Workstation`."""

    idle_choice: Mapped[int | None]
    """After how many idle minutes its owner wants it to be stopped: 0 for never, None for the team's default."""
    idle_since: Mapped[datetime | None]
    """Since when all that is known says idle; None while it is in use, or while that is unknown."""
    idle_seen_at: Mapped[datetime | None]
    """The time of the last record that was taken into account, by the machine's clock."""
    idle_warned_at: Mapped[datetime | None]
    """When its users were first warned of the stop."""
    keep_until: Mapped[datetime | None]
    """Until when nothing but its end date stops it."""

    def follow_use(self, activity: Activity | None, limits: IdleLimits, now: datetime) -> None:
        """Take the machine's newest record into account."""
        if activity is None or not activity.is_current(now):
            self.forget_idleness()
            return
        seen = self.idle_seen_at
        if seen and activity.at <= seen:
            return
        self.idle_seen_at = activity.at
        if uses(activity, limits):
            self.idle_since = self.idle_warned_at = None
        elif self.idle_since is None or seen is None or not _is_covered(activity, seen, limits):
            self.idle_since, self.idle_warned_at = min(activity.at, now), None

    def forget_idleness(self) -> None:
        """Nothing is known of its use: it counts as in use."""
        self.idle_since = self.idle_seen_at = self.idle_warned_at = None

    def forget_report(self) -> None:
        """The machine is not what it was."""
        super().forget_report()
        self.forget_idleness()

    def is_kept(self, now: datetime) -> bool:
        """Whether somebody wants it to go on running."""
        return self.keep_until is not None and now < self.keep_until

    def keep_running(self, until: datetime, now: datetime) -> bool:
        """Let it run until then, a week at most. Returns whether that is longer than before."""
        until = min(until, now + LONGEST_KEPT)
        if until <= now or (self.keep_until and self.keep_until >= until):
            return False
        self.keep_until, self.idle_warned_at = until, None
        return True

    def idle_start(self, now: datetime) -> datetime | None:
        """Since when it is idle; None if it is in use, or if its agent has fallen silent."""
        if not self.is_running or self.idle_since is None or self.idle_seen_at is None:
            return None
        if now - self.idle_seen_at > FRESH_FOR:
            return None
        return max(self.idle_since, self.running_at or self.idle_since)

    def idle_stop_at(self, now: datetime, after: timedelta | None) -> datetime | None:
        """When it is stopped if it stays idle; None if it is not.

        :param after: the time that counts for it; None for never.
        """
        start = self.idle_start(now)
        if start is None or after is None:
            return None
        first = max(start + after, self.keep_until or start)
        # Nobody is stopped without a warning, however long ago the machine became idle.
        return max(first, (self.idle_warned_at or now) + WARNINGS[0])

    def warns_of_idle_stop(self, now: datetime, after: timedelta | None) -> datetime | None:
        """When it is stopped for being idle, if that is so soon that its users are warned."""
        at = self.idle_stop_at(now, after)
        return at if at and at - now <= WARNINGS[0] else None

    def must_stop_idle(self, now: datetime, after: timedelta | None) -> bool:
        """Whether it is to be stopped now, after all warnings."""
        at = self.idle_stop_at(now, after)
        return at is not None and self.idle_warned_at is not None and now >= at

    def coming_moment(self, now: datetime) -> Moment | None:
        """The moment of its office hours that changes something. None stops it while it is kept."""
        moment = super().coming_moment(now)
        is_kept = moment is not None and moment.order is RunKind.STOP and self.is_kept(moment.at)
        if not (is_kept and self.hours and self.keep_until):
            return moment
        return self.hours.next(self.keep_until - timedelta.resolution, order=RunKind.STOP, skips=self.office_hours_skip)


def _is_covered(activity: Activity, seen: datetime, limits: IdleLimits) -> bool:
    """Whether everything is known of the time since the record before, and says idle."""
    if activity.at - seen > SILENT_AFTER:
        return False
    since = [each for each in activity.minutes or () if each and seen - _A_MINUTE < each.at < activity.at]
    if not all(is_idle_minute(each, limits) for each in since):
        return False
    # The record itself is of its last minute; of each minute that nobody read at its time, one is needed.
    missed = round((activity.at - seen) / _A_MINUTE) - 1
    return missed <= 0 or len({each.at for each in since}) > missed
