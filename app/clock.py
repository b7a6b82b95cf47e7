"""The clock that services and workers are given, so that tests can move time instead of sleeping."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""A function that returns the current time, aware and in UTC."""


def utc_now() -> datetime:
    """The system's time in UTC."""
    return datetime.now(UTC)
