"""Office hours: the moments at which a workstation is started and stopped, by the clock of a time zone."""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.observed_machine import ObservedMachine
from app.models.run_kinds import RunKind

WARNED_FOR = timedelta(minutes=30)
"""How long before a stop the workstation's page warns of it."""
MISSED_FOR = timedelta(hours=1)
"""A moment that no worker noticed for so long is not acted on any more."""
_A_DAY, _A_WEEK = timedelta(days=1), timedelta(days=7)


class Day(StrEnum):
    """A day of the week; the order is that of `date.weekday`."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


DAYS = tuple(Day)


def instant(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """The first instant at which the clocks of that zone show this time or a later one of that day, in UTC.

    A time that comes twice counts once, the first time. One that the clocks skip counts when they jump.
    """
    local = datetime.combine(day, clock, zone)
    found = local.astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return found
    # It does not exist: the jump is between what its two readings mean.
    before = local.replace(fold=1).astimezone(UTC)
    offset = before.astimezone(zone).utcoffset()
    seconds = range(int((found - before).total_seconds()))
    jump = bisect_left(
        seconds, True, key=lambda after: (before + timedelta(seconds=after)).astimezone(zone).utcoffset() != offset
    )
    return before + timedelta(seconds=jump)


@dataclass(frozen=True, order=True)
class Moment:
    """When office hours start or stop a machine."""

    at: datetime
    day: date
    """The day of the office hours that it belongs to. A stop after midnight belongs to the day before."""
    local: datetime
    """What the clocks of the zone are to show, without a zone."""
    order: RunKind
    """START or STOP."""

    @property
    def clock(self) -> str:
        """The time of day, such as 19:00."""
        return f"{self.local:%H:%M}"

    def sentence(self, today: date) -> str:
        """Such as "Stops at 19:00", or "Starts Mon at 09:00" if that is on another day than `today`."""
        verb = "Starts" if self.order is RunKind.START else "Stops"
        on = "" if self.local.date() == today else f" {self.local:%a}"
        return f"{verb}{on} at {self.clock}"


@dataclass(frozen=True)
class OfficeHours:
    """On which days a machine is started and stopped, and when. One of the two times may be missing."""

    start: time | None
    stop: time | None
    days: frozenset[Day]
    time_zone: str
    """Its name in the IANA database, such as Europe/Berlin."""

    @classmethod
    def read(cls, stored: dict[str, Any]) -> "OfficeHours":
        """From the workstation's column."""
        start, stop = (time.fromisoformat(stored[name]) if stored[name] else None for name in ("start", "stop"))
        return cls(start, stop, frozenset(Day(day) for day in stored["days"]), stored["time_zone"])

    @property
    def zone(self) -> ZoneInfo:
        """The time zone."""
        return ZoneInfo(self.time_zone)

    @property
    def is_overnight(self) -> bool:
        """Whether it stops on the day after it started."""
        return self.start is not None and self.stop is not None and self.stop <= self.start

    def today(self, now: datetime) -> date:
        """The date in the time zone."""
        return now.astimezone(self.zone).date()

    def day_name(self, day: date, now: datetime) -> str:
        """The day as people call it: today, tomorrow, or Mon 2 Mar."""
        away = (day - self.today(now)).days
        return {0: "today", 1: "tomorrow"}.get(away, f"{day:%a %-d %b}")

    def last(self, now: datetime) -> Moment:
        """The most recent moment: one is `now`, or before it."""
        return max(moment for moment in self._around(now) if moment.at <= now)

    def next(self, now: datetime, *, order: RunKind | None = None, skips: date | None = None) -> Moment | None:
        """The first moment after `now`.

        :param order: of this kind; None if there are none of it.
        :param skips: not on this day.
        """
        later = [moment for moment in self._around(now) if moment.at > now and moment.day != skips]
        return min((moment for moment in later if order in {None, moment.order}), default=None)

    def _around(self, now: datetime) -> list[Moment]:
        """The moments from a week before `now` until two weeks after it."""
        first = self.today(now) - _A_WEEK - _A_DAY
        days = [first + number * _A_DAY for number in range(24)]
        return [moment for day in days if DAYS[day.weekday()] in self.days for moment in self._moments(day)]

    def _moments(self, day: date) -> list[Moment]:
        stop_day = day + _A_DAY if self.is_overnight else day
        wanted = ((RunKind.START, day, self.start), (RunKind.STOP, stop_day, self.stop))
        return [
            Moment(instant(on, clock, self.zone), day, datetime.combine(on, clock), order)
            for order, on, clock in wanted
            if clock is not None
        ]


class KeepsOfficeHours(ObservedMachine):
    """Columns and rules of `Workstation`."""

    office_hours: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """`hours` reads them; None: it has none."""
    office_hours_until: Mapped[datetime | None]
    """Until when they are done: the last moment that was acted on, or when they were set."""
    office_hours_skip: Mapped[date | None]
    """The day on which they do not count."""

    @property
    def hours(self) -> OfficeHours | None:
        """Its office hours."""
        return OfficeHours.read(self.office_hours) if self.office_hours else None

    def due_moment(self, now: datetime) -> Moment | None:
        """The moment to act on now. Of several that were missed, only the most recent one counts."""
        if self.hours is None:
            return None
        last = self.hours.last(now)
        is_new = self.office_hours_until is None or last.at > self.office_hours_until
        return last if is_new else None

    def is_skipped(self, moment: Moment, now: datetime) -> bool:
        """Whether a due moment is not acted on: its day is skipped, or it was missed for too long."""
        return moment.day == self.office_hours_skip or now - moment.at > MISSED_FOR

    def was_to_stop_since(self, then: datetime, now: datetime) -> bool:
        """Whether they are over since then: their last moment was a stop."""
        last = self.hours.last(now) if self.hours else None
        is_over = last is not None and last.order is RunKind.STOP and last.at > then
        return is_over and last is not None and last.day != self.office_hours_skip

    def coming_moment(self, now: datetime) -> Moment | None:
        """The moment that changes something: the stop of a machine that runs, the start of one that is off."""
        order = RunKind.STOP if self.is_running else RunKind.START if self.is_off else None
        if self.hours is None or order is None:
            return None
        return self.hours.next(now, order=order, skips=self.office_hours_skip)

    def stops_soon(self, now: datetime) -> Moment | None:
        """The stop that its page warns of."""
        moment = self.coming_moment(now)
        return moment if moment and moment.order is RunKind.STOP and moment.at - now <= WARNED_FOR else None

    def next_day(self, now: datetime) -> date | None:
        """The day of their next moment, which can be skipped."""
        moment = self.hours.next(now) if self.hours else None
        return moment.day if moment else None

    def is_skipping(self, now: datetime) -> bool:
        """Whether their next day is skipped."""
        return self.office_hours_skip is not None and self.office_hours_skip == self.next_day(now)

    def set_hours(self, stored: dict[str, Any] | None, now: datetime) -> None:
        """Keep these office hours from now on, or none."""
        self.office_hours, self.office_hours_skip = stored, None
        self.office_hours_until = now if stored else None
