"""Daily snapshots of a workstation's data disk: when one is due, and which are kept."""

from collections.abc import Iterable
from datetime import UTC, date, datetime

from sqlalchemy.orm import Mapped

from app.models.opened_snapshot import OpensSnapshots
from app.models.workstation_states import FOLLOWS_GOOGLE

DAYS, WEEKS = 7, 4
"""Of so many days and weeks with daily snapshots, the last one is kept."""
HOUR = 2
"""From which hour on, in UTC, the day's snapshot is taken."""


def kept(taken: Iterable[datetime]) -> set[datetime]:
    """The daily snapshots to keep: the last one of each of the newest 7 days, and of each of the newest 4 weeks.

    Weeks begin on Monday, and days and weeks without a snapshot do not count.
    """
    last_of_day: dict[date, datetime] = {}
    last_of_week: dict[tuple[int, int], datetime] = {}
    for at in sorted(at.astimezone(UTC) for at in taken):
        last_of_day[at.date()] = last_of_week[at.isocalendar()[:2]] = at
    return {*list(last_of_day.values())[-DAYS:], *list(last_of_week.values())[-WEEKS:]}


class HasDailySnapshots(OpensSnapshots):
    """Columns and rules of `Workstation`."""

    daily_snapshots: Mapped[bool | None]
    """Whether a snapshot is taken every day; None: as the team's policy says."""
    daily_snapshot_on: Mapped[date | None]
    """The last day whose snapshot was requested."""

    def takes_daily_snapshots(self, *, by_default: bool) -> bool:
        """Whether a snapshot is taken every day. `by_default`: what the team's policy says."""
        return by_default if self.daily_snapshots is None else self.daily_snapshots

    def is_daily_snapshot_due(self, now: datetime) -> bool:
        """Whether the day's snapshot is to be taken, if any are. A disk that nobody has written to since the last one
        is left out."""
        today, last = now.astimezone(UTC), self.daily_snapshot_on
        if self.status not in FOLLOWS_GOOGLE or today.hour < HOUR or last == today.date():
            return False
        off_since = self.google_status_since if self.costs_no_machine else None
        return last is None or off_since is None or off_since.astimezone(UTC).date() >= last
