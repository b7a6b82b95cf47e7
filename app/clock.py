"""The time, injected: services and workers ask a Clock, so that tests move time instead of sleeping."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Answers the present moment, aware and in UTC."""


def utc_now() -> datetime:
    """The system's clock in UTC."""
    return datetime.now(UTC)
