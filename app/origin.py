"""The origin of an action: set at the edge of a process, and recorded with audit entries."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

COMMAND_LINE = "command line"
WORKER = "worker"
UNKNOWN = "unknown"
"""For requests without a client address, for example through a Unix socket."""


@dataclass(frozen=True)
class Origin:
    """Where an action comes from, with the request's ID in the web process."""

    place: str
    """The client's address (as trusted proxies report it), or one of the words above."""
    request_id: str | None = None


_origin: ContextVar[Origin] = ContextVar("origin")


def current() -> Origin:
    """The current origin. Raises LookupError if the process has not set one."""
    return _origin.get()


def become(place: str) -> None:
    """Set the origin for this task and all tasks that it starts."""
    _origin.set(Origin(place))


@contextmanager
def bound(place: str, request_id: str | None = None) -> Iterator[None]:
    """Set the origin for a limited time, such as one request."""
    token = _origin.set(Origin(place, request_id))
    try:
        yield
    finally:
        _origin.reset(token)
