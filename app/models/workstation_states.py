"""The words for how a workstation stands."""

from enum import StrEnum


class WorkstationStatus(StrEnum):
    """What a workstation is doing, as the API says it."""

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
