"""Parses Terraform's machine-readable output (`-json`).

Format: the page "Machine-Readable UI" of Terraform's documentation, version 1.x.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.log_terms import LogLevel, ResourceState

_LEVELS = {"error": LogLevel.ERROR, "warn": LogLevel.WARN}
_STATES = {
    "planned_change": ResourceState.PENDING,
    "apply_start": ResourceState.WORKING,
    "apply_complete": ResourceState.DONE,
    "apply_errored": ResourceState.FAILED,
}
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_NOT_LOGGED = frozenset({"version", "outputs"})
"""Events without information for people: the version, and output values."""


@dataclass(frozen=True)
class Event:
    """One line of output."""

    message: str
    level: LogLevel = LogLevel.INFO
    at: datetime | None = None
    address: str | None = None
    action: str | None = None
    """create, update, delete, replace or read, if the event is about a resource."""
    state: ResourceState | None = None
    is_missing: bool = False
    """Whether it says that a resource of the state no longer exists."""
    is_error: bool = False
    """Whether it is an error that ends the command."""
    is_logged: bool = True
    """Whether it is shown in the log."""

    @property
    def is_loss(self) -> bool:
        """Whether a resource is deleted or replaced."""
        return self.action in {"delete", "replace"}


def parse(line: str) -> Event:
    """Parse a line. A line that is not JSON, for example of a crash, becomes the message."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return Event(message=storable(line))
    # A plugin may print JSON of its own.
    if not isinstance(record, dict):
        return Event(message=storable(line))
    kind = _words(record.get("type"))
    at = _time(record.get("@timestamp"))
    if kind == "diagnostic":
        return _diagnostic(_mapping(record.get("diagnostic")), at)
    change = _mapping(record.get("change")) or _mapping(record.get("hook"))
    action = _words(change.get("action")) or None
    return Event(
        message=_words(record.get("@message")),
        level=_LEVELS.get(_words(record.get("@level")), LogLevel.INFO),
        at=at,
        address=_words(_mapping(change.get("resource")).get("addr")) or None,
        action=action,
        state=_STATES.get(kind),
        is_missing=kind == "resource_drift" and action == "delete",
        is_logged=kind not in _NOT_LOGGED,
    )


def storable(words: str) -> str:
    """The text without what PostgreSQL cannot store: NUL and unpaired surrogates."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", words)


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _words(value: object) -> str:
    return storable(value) if isinstance(value, str) else ""


def _diagnostic(diagnostic: dict[str, Any], at: datetime | None) -> Event:
    is_error = diagnostic.get("severity") == "error"
    parts = [_words(diagnostic.get("summary")), _words(diagnostic.get("detail"))]
    message = "\n".join(part for part in parts if part)
    address = _words(diagnostic.get("address")) or None
    return Event(
        message=("Error: " if is_error else "Warning: ") + message + (f"\n  with {address}" if address else ""),
        level=LogLevel.ERROR if is_error else LogLevel.WARN,
        at=at,
        address=address,
        is_error=is_error,
    )


def _time(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return at if at and at.tzinfo else None
