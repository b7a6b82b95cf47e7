"""The part of a workstation that follows Google's own limit: how long its machine may run, whatever it does."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Mapped

from app.models.observed_machine import ObservedMachine

LONGEST = timedelta(days=120)
"""Google's: https://cloud.google.com/compute/docs/instances/limit-vm-runtime."""
WARNED_AT_LEAST, WARNED_AT_MOST = timedelta(hours=1), timedelta(days=1)
"""How long before, its page warns of it: in the last quarter of its time, within these."""
_LATE = timedelta(minutes=1)
"""Google stops the machine within 30 seconds, and clocks differ."""


class HasRunLimit(ObservedMachine):
    """Columns and rules of `Workstation`."""

    run_limit_at: Mapped[datetime | None]
    """When Google stops the machine for it, by Google's clock; None while it does not run, or has no limit."""

    def is_limited_before(self, at: datetime) -> bool:
        """Whether Google stops it before then."""
        return self.is_running and self.run_limit_at is not None and self.run_limit_at < at

    def reaches_limit_soon(self, now: datetime) -> bool:
        """Whether its page warns that Google stops it."""
        if self.run_limit_at is None:
            return False
        quarter = (self.run_limit_at - (self.running_since or now)) / 4
        return self.is_limited_before(now + min(max(quarter, WARNED_AT_LEAST), WARNED_AT_MOST))

    def has_reached_limit(self, at: datetime) -> bool:
        """Whether a stop at that time was Google's own, for the limit."""
        return self.run_limit_at is not None and at >= self.run_limit_at - _LATE
