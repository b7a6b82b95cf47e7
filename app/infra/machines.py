"""The state of a machine at Google, and the orders that Google accepts for it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from google.cloud import compute_v1


@dataclass(frozen=True)
class MachineState:
    """The state of a machine as Google reports it."""

    name: str
    zone: str
    status: str
    """RUNNING, STAGING, STOPPING, TERMINATED, SUSPENDED, REPAIRING …"""
    started_at: datetime | None
    """When it was last started, by Google's clock; None if it never was."""
    is_spot: bool
    labels: dict[str, str]
    id: str | None = None
    """Google's number, which no other machine ever has."""
    stopped_at: datetime | None = None
    suspended_at: datetime | None = None
    run_limit_at: datetime | None = None
    """When Google stops it because it has run for so long; None if it does not run, or has no limit."""

    @classmethod
    def read(cls, instance: "compute_v1.Instance") -> Self:
        """Read the API's response."""
        return cls(
            name=instance.name,
            zone=instance.zone.rpartition("/")[2],
            status=str(instance.status),
            started_at=_time(instance.last_start_timestamp),
            is_spot=instance.scheduling.provisioning_model == "SPOT",
            labels=dict(instance.labels),
            id=str(instance.id),
            stopped_at=_time(instance.last_stop_timestamp),
            suspended_at=_time(instance.last_suspended_timestamp),
            run_limit_at=_time(instance.resource_status.scheduling.termination_timestamp),
        )

    @classmethod
    def parse(cls, instance: dict[str, Any]) -> Self:
        """From the JSON of Google's REST API."""
        return cls(
            name=instance["name"],
            zone=instance["zone"].rpartition("/")[2],
            status=instance["status"],
            started_at=_time(instance.get("lastStartTimestamp")),
            is_spot=instance.get("scheduling", {}).get("provisioningModel") == "SPOT",
            labels=dict(instance.get("labels", {})),
            id=instance["id"],
            stopped_at=_time(instance.get("lastStopTimestamp")),
            suspended_at=_time(instance.get("lastSuspendedTimestamp")),
            run_limit_at=_time(instance.get("resourceStatus", {}).get("scheduling", {}).get("terminationTimestamp")),
        )

    @property
    def is_running(self) -> bool:
        """Whether it is switched on. Whether it has booted is in its own report."""
        return self.status == "RUNNING"

    @property
    def is_off(self) -> bool:
        """Whether it is stopped or suspended."""
        return self.status in {"TERMINATED", "STOPPED", "SUSPENDED"}


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


class Power(StrEnum):
    """The orders, by Google's names."""

    START = "start"
    STOP = "stop"
    RESET = "reset"
    SUSPEND = "suspend"
    RESUME = "resume"


class OperationFailedError(Exception):
    """An operation has failed. The message is Google's.

    Repeating it with the same request ID returns the same operation again.
    """
