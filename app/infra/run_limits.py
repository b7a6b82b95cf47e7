"""Google's limit of how long a machine may run (`maxRunDuration`), set through the Compute API.

Google's Terraform provider replaces a machine to set it. The API sets it on a stopped machine, where it counts from the
next start on: https://cloud.google.com/compute/docs/instances/limit-vm-runtime.
"""

from datetime import timedelta
from typing import Any

from app.infra.google_rest import GoogleRest
from app.infra.machines import OperationFailedError

STOPPED = "TERMINATED"


class RunLimits:
    """Raises what GoogleRest raises."""

    def __init__(self, project: str, endpoint: str) -> None:
        self._rest, self._project = GoogleRest(endpoint), project

    async def set(self, zone: str, instance: str, limit: timedelta | None) -> bool:
        """Give a stopped machine this limit, or none; returns whether it had another one.

        Nothing happens to a machine that is not stopped. Raises OperationFailedError as well.
        """
        path = f"compute/v1/projects/{self._project}/zones/{zone}/instances/{instance}"
        machine = await self._rest.get("compute", path, {"fields": "status,scheduling"})
        before = machine.get("scheduling", {})
        if machine["status"] != STOPPED or _limit(before) == limit:
            return False
        operation = await self._rest.call("POST", "compute", f"{path}/setScheduling", json=_limited(before, limit))
        await self._wait(zone, operation)
        return True

    async def _wait(self, zone: str, operation: dict[str, Any]) -> None:
        path = f"compute/v1/projects/{self._project}/zones/{zone}/operations/{operation['name']}/wait"
        if operation["status"] != "DONE":
            operation = await self._rest.call("POST", "compute", path)
        if operation["status"] != "DONE":
            raise TimeoutError(f"Google has not ended {operation['name']} (setScheduling)")
        if errors := operation.get("error", {}).get("errors"):
            raise OperationFailedError("\n".join(each["message"] for each in errors))


def _limit(scheduling: dict[str, Any]) -> timedelta | None:
    seconds = int(scheduling.get("maxRunDuration", {}).get("seconds", 0))
    return timedelta(seconds=seconds) if seconds else None


def _limited(scheduling: dict[str, Any], limit: timedelta | None) -> dict[str, Any]:
    """The whole scheduling, since the call replaces it; null removes what is not to stay."""
    duration = {"seconds": str(int(limit.total_seconds()))} if limit else None
    # Google stops Spot machines as well when it needs their capacity.
    action = "STOP" if limit or scheduling.get("provisioningModel") == "SPOT" else None
    return {**scheduling, "maxRunDuration": duration, "instanceTerminationAction": action}
