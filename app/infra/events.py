"""Parses Terraform's machine-readable output (`-json`).

Format: the page "Machine-Readable UI" of Terraform's documentation, version 1.x.
"""

import json
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
    except ValueError:
        return Event(message=storable(line))
    if not isinstance(record, dict):
        return Event(message=storable(line))
    kind = str(record.get("type", ""))
    at = _time(record.get("@timestamp"))
    if kind == "diagnostic":
        return _diagnostic(record.get("diagnostic") or {}, at)
    change = record.get("change") or record.get("hook") or {}
    return Event(
        message=storable(str(record.get("@message", ""))),
        level=_LEVELS.get(str(record.get("@level")), LogLevel.INFO),
        at=at,
        address=(change.get("resource") or {}).get("addr"),
        action=change.get("action"),
        state=_STATES.get(kind),
        is_logged=kind not in _NOT_LOGGED,
    )


def storable(words: str) -> str:
    """The text without NUL, which PostgreSQL cannot store."""
    return words.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _diagnostic(diagnostic: dict[str, Any], at: datetime | None) -> Event:
    is_error = diagnostic.get("severity") == "error"
    parts = [str(diagnostic.get("summary", "")), str(diagnostic.get("detail", ""))]
    message = storable("\n".join(part for part in parts if part))
    address = diagnostic.get("address")
    return Event(
        message=("Error: " if is_error else "Warning: ") + message + (f"\n  with {address}" if address else ""),
        level=LogLevel.ERROR if is_error else LogLevel.WARN,
        at=at,
        address=address,
        is_error=is_error,
    )


def _time(value: object) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else None
