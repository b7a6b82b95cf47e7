"""The states of a workstation."""

from enum import StrEnum


class WorkstationStatus(StrEnum):
    """The status of a workstation, as the API returns it."""

    REQUESTED = "requested"
    PROVISIONING = "provisioning"
    RUNNING = "running"
    UPDATING = "updating"
    STARTING = "starting"
    WAITING_FOR_CAPACITY = "waiting_for_capacity"
    STOPPING = "stopping"
    STOPPED = "stopped"
    PREEMPTED = "preempted"
    SUSPENDING = "suspending"
    SUSPENDED = "suspended"
    MISSING = "missing"
    """Somebody has deleted the machine at Google. Its disk and address may still be there."""
    DESTROYING = "destroying"
    DESTROYED = "destroyed"
    FAILED = "failed"


ABSENT = "ABSENT"
"""Stands beside Google's words for a machine's status where there is no machine."""
AT_GOOGLE = {
    "RUNNING": WorkstationStatus.RUNNING,
    "STOPPED": WorkstationStatus.STOPPED,
    "SUSPENDED": WorkstationStatus.SUSPENDED,
    "TERMINATED": WorkstationStatus.STOPPED,
    ABSENT: WorkstationStatus.MISSING,
}
"""Google's word for a machine that stays as it is → how the workstation stands. Others pass: STAGING, REPAIRING …"""
OFF = frozenset({WorkstationStatus.STOPPED, WorkstationStatus.PREEMPTED, WorkstationStatus.SUSPENDED})
"""It exists and does not run: it costs its disks and its address."""
FOLLOWS_GOOGLE = OFF | {WorkstationStatus.RUNNING, WorkstationStatus.MISSING}
"""While no run says otherwise, a workstation that stands so is what Google says of it."""
