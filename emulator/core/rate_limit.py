"""A limit on calls per minute."""

from datetime import datetime, timedelta

from emulator.core.clock import Clock
from emulator.core.errors import CloudError

MINUTE = timedelta(minutes=1)


class RateLimit:
    def __init__(self, per_minute: int, clock: Clock) -> None:
        """:param per_minute: the limit; 0 for none."""
        self._per_minute = per_minute
        self._clock = clock
        self._calls: dict[str, list[datetime]] = {}

    def count(self, what: str) -> None:
        """Count a call. Raises CloudError (403) if there were too many within a minute; then it is not counted."""
        now = self._clock()
        recent = [call for call in self._calls.get(what, []) if now - call < MINUTE]
        if self._per_minute and len(recent) >= self._per_minute:
            text = "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute' of this instance."
            raise CloudError(403, text, "rateLimitExceeded")
        self._calls[what] = [*recent, now]
