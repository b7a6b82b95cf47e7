"""A machine as Google says that it is, and what Google can be ordered to do with it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from google.cloud import compute_v1


@dataclass(frozen=True)
class MachineState:
    """What Google says of a machine."""

    name: str
    zone: str
    status: str
    """RUNNING, STAGING, STOPPING, TERMINATED, SUSPENDED, REPAIRING …"""
    started_at: datetime | None
    """When it was last switched on, by Google's clock; None for one that never was."""
    is_spot: bool
    labels: dict[str, str]

    @classmethod
    def read(cls, instance: "compute_v1.Instance") -> Self:
        """From the API's answer."""
        started = instance.last_start_timestamp
        return cls(
            name=instance.name,
            zone=instance.zone.rpartition("/")[2],
            status=str(instance.status),
            started_at=datetime.fromisoformat(started) if started else None,
            is_spot=instance.scheduling.provisioning_model == "SPOT",
            labels=dict(instance.labels),
        )

    @property
    def is_running(self) -> bool:
        """It is switched on; whether it has booted, its own report says."""
        return self.status == "RUNNING"

    @property
    def is_off(self) -> bool:
        """It was stopped or suspended: Google calls both so."""
        return self.status in {"TERMINATED", "STOPPED", "SUSPENDED"}


class Power(StrEnum):
    """What Google can be ordered to do with a machine, by its names for it."""

    START = "start"
    STOP = "stop"
    RESET = "reset"


class OperationFailedError(Exception):
    """Google has begun it, and ended it without success. The message is what Google says of it.

    Asked for with the same request id, this very operation is the answer again.
    """
