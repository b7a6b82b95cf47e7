"""Where what is going on was asked for: bound at the edge of a process, read where decisions are written down."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

COMMAND_LINE = "command line"
WORKER = "worker"
UNKNOWN = "unknown"
"""A request without a client's address, as through a socket in the file system."""


@dataclass(frozen=True)
class Origin:
    """A place, and in the web process the request."""

    place: str
    """A client's address as the web process sees it (through trusted proxies), or one of the words above."""
    request_id: str | None = None


_origin: ContextVar[Origin] = ContextVar("origin")


def current() -> Origin:
    """Where the code that asks was called from. Raises LookupError where the process has not said so."""
    return _origin.get()


def become(place: str) -> None:
    """From here on, and in every task begun from here, this is the place."""
    _origin.set(Origin(place))


@contextmanager
def bound(place: str, request_id: str | None = None) -> Iterator[None]:
    """The same for as long as this lasts, such as one request."""
    token = _origin.set(Origin(place, request_id))
    try:
        yield
    finally:
        _origin.reset(token)
