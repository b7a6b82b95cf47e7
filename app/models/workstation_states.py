"""The states of a workstation."""

from enum import StrEnum


class WorkstationStatus(StrEnum):
    """The status of a workstation, as the API returns it."""

    REQUESTED = "requested"
    PROVISIONING = "provisioning"
    RUNNING = "running"
    UPDATING = "updating"
    STARTING = "starting"
    STOPPING = "stopping"
    STOPPED = "stopped"
    PREEMPTED = "preempted"
    WAITING_FOR_CAPACITY = "waiting_for_capacity"
    DESTROYING = "destroying"
    DESTROYED = "destroyed"
    FAILED = "failed"
