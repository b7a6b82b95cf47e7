"""Time in Google's format, injected so that tests can move it."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


def rfc3339(moment: datetime) -> str:
    """RFC 3339 with milliseconds and an offset, as Compute Engine prints it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
