"""Words that Terraform's events and the rows of a run's log share."""

from enum import StrEnum


class LogLevel(StrEnum):
    """How much a line matters."""

    INFO = "info"
    WARN = "warn"
    ERROR = "error"


class ResourceState(StrEnum):
    """How far Terraform is with one resource."""

    PENDING = "pending"
    WORKING = "working"
    DONE = "done"
    FAILED = "failed"
