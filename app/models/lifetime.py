"""The lifetime of a workstation: its end date, and what is asked about a machine that nobody has started for long."""

from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy.orm import Mapped

from app.models.office_hours import KeepsOfficeHours, Moment
from app.models.run_kinds import RunKind

REMINDERS = (7, 3, 1)
"""How many days before its end a workstation's owner is reminded."""
LONGEST = timedelta(days=5 * 366)
_A_DAY = timedelta(days=1)


def end_of(day: date) -> datetime:
    """When a day is over everywhere on Earth."""
    return datetime.combine(day + _A_DAY, time(12), UTC)


def end_date_problem(day: date | None, now: datetime) -> str | None:
    """What is wrong with an end date that somebody chose, as a sentence."""
    today = now.astimezone(UTC).date()
    if day and day < today:
        return "This day has passed. Choose today or a later day."
    return "Choose a day in the next five years." if day and day > today + LONGEST else None


class HasLifetime(KeepsOfficeHours):
    """Columns and rules of `Workstation`."""

    EXTENSIONS = (7, 30)
    """By how many days its end date is extended with one click."""

    ends_on: Mapped[date | None]
    """Its end date: the last day on which it is used. None: it has none."""
    end_reminded: Mapped[int | None]
    """The last reminder that was given: how many days before the end."""
    deletes_at: Mapped[datetime | None]
    """When it is deleted, except for its data disk. None until it was stopped for its end date."""
    kept_at: Mapped[datetime | None]
    """When somebody last decided to keep it, although nobody had started it for long."""

    @property
    def ends_at(self) -> datetime | None:
        """When it is stopped for its end date."""
        return end_of(self.ends_on) if self.ends_on else None

    def has_ended(self, now: datetime) -> bool:
        """Whether its end date has passed, so that nothing starts it any more."""
        return self.ends_at is not None and now >= self.ends_at

    def ends_soon(self, now: datetime) -> bool:
        """Whether its pages say that it ends: a week before, and after its end."""
        return self.ends_at is not None and now >= self.ends_at - REMINDERS[0] * _A_DAY

    def days_left(self, now: datetime) -> int:
        """Whole days until its end, rounded up; 0 without an end date, or after it."""
        return max(0, -((now - self.ends_at) // _A_DAY)) if self.ends_at else 0

    def due_reminder(self, now: datetime) -> int | None:
        """The reminder to give now. Of several that were missed, only the last one counts."""
        reminder = self._reminder(now)
        is_new = reminder is not None and (self.end_reminded is None or reminder < self.end_reminded)
        return reminder if is_new else None

    def _reminder(self, now: datetime) -> int | None:
        if self.ends_at is None or self.has_ended(now):
            return None
        return min((days for days in REMINDERS if now >= self.ends_at - days * _A_DAY), default=None)

    def must_stop(self, now: datetime) -> bool:
        """Whether it is to be stopped for its end date: at its end, and again if it runs when it is to be deleted."""
        if self.deletes_at is None:
            return self.has_ended(now)
        return now >= self.deletes_at and self.is_running

    def must_delete(self, now: datetime) -> bool:
        """Whether its time between stop and deletion is over."""
        return self.deletes_at is not None and now >= self.deletes_at and not self.is_running

    def is_step_due(self, now: datetime) -> bool:
        """Whether anything is to be done about its end date."""
        return self.due_reminder(now) is not None or self.must_stop(now) or self.must_delete(now)

    def extended(self, days: int, now: datetime) -> date:
        """Its end date after an extension, which never lies in the past."""
        return max(self.ends_on or date.min, now.astimezone(UTC).date()) + days * _A_DAY

    def set_end(self, ends_on: date | None, now: datetime) -> None:
        """End on this day, or never. Reminders whose time has passed already are not given."""
        self.ends_on, self.deletes_at = ends_on, None
        self.end_reminded = self._reminder(now)

    def is_dormant(self, now: datetime, after: timedelta) -> bool:
        """Whether nobody has started it, or decided to keep it, for that time. One that has ended does not count."""
        off_since = self.google_status_since if self.is_off else None
        if off_since is None or self.has_ended(now):
            return False
        return now - max(off_since, self.kept_at or off_since) >= after

    def coming_moment(self, now: datetime) -> Moment | None:
        """The moment of its office hours that changes something. The end date counts: none starts it after that."""
        moment = super().coming_moment(now)
        is_too_late = moment is not None and moment.order is RunKind.START and self.has_ended(moment.at)
        return None if is_too_late else moment
