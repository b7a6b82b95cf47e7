"""All machines of the project in a few calls, and what was done to them lately.

Of each only the fields that the portal uses are asked for (Google's partial responses): a page of 500 takes a few
milliseconds to read, where the client library takes half a second.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.config import Settings
from app.infra.google_rest import GoogleRest
from app.infra.machines import MachineState

PAGE = 500
"""So many things are on a page of a list at most: Google's limit."""
NOTHING = "NO_RESULTS_ON_PAGE"
"""Google's warning at an empty part of a list; any other one says that the part could not be read."""
NAMES_A_CALL = 50
"""So many machines are asked for by name in one call, so that its address stays short enough."""
_TIMES = "lastStartTimestamp,lastStopTimestamp,lastSuspendedTimestamp"
_LIMIT = "resourceStatus/scheduling/terminationTimestamp"
_MACHINE = f"id,name,zone,status,{_TIMES},labels,scheduling/provisioningModel,{_LIMIT}"
_OPERATION = "name,operationType,targetLink,user,status,insertTime,endTime"


@dataclass(frozen=True)
class MachineOperation:
    """One of Google's operations on a machine."""

    id: str
    kind: str
    """As Google names it: start, stop, delete, compute.instances.preempted, compute.instances.hostError …"""
    zone: str
    machine: str
    by: str
    """The account that asked for it; Google itself is "system"."""
    at: datetime
    """When it was begun, by Google's clock."""
    is_done: bool


class MachineLists:
    """Raises what GoogleRest raises."""

    def __init__(self, settings: Settings) -> None:
        self._rest = GoogleRest(settings.compute_endpoint)
        self._path = f"compute/v1/projects/{settings.google_project}/aggregated"

    async def page(self, token: str = "") -> tuple[list[MachineState], str]:
        """A page of the project's machines, and the token of the next one; an empty one after the last."""
        found, next_page = await self._page("instances", _MACHINE, {"pageToken": token} if token else {})
        return [MachineState.parse(each) for each in found], next_page

    async def named(self, names: Sequence[str]) -> list[MachineState]:
        """The machines of these names, in any zone. Those that do not exist are left out."""
        found: list[MachineState] = []
        for start in range(0, len(names), NAMES_A_CALL):
            some = " OR ".join(f'(name = "{name}")' for name in names[start : start + NAMES_A_CALL])
            found += [MachineState.parse(each) async for each in self._all("instances", _MACHINE, {"filter": some})]
        return found

    async def events(self, since: datetime) -> list[MachineOperation]:
        """What was begun on machines since then, the oldest first."""
        query = {"filter": f'insertTime > "{since.isoformat(timespec="milliseconds")}"'}
        found = [_event(each) async for each in self._all("operations", _OPERATION, query)]
        return sorted((each for each in found if each), key=lambda event: event.at)

    async def _all(self, collection: str, fields: str, query: dict[str, str]) -> Any:
        token = ""
        while True:
            found, token = await self._page(collection, fields, {**query, **({"pageToken": token} if token else {})})
            for each in found:
                yield each
            if not token:
                return

    async def _page(self, collection: str, fields: str, query: dict[str, str]) -> tuple[Iterable[dict[str, Any]], str]:
        parts = f"items/*({collection}({fields}),warning/code),nextPageToken"
        query = {**query, "maxResults": str(PAGE), "fields": parts}
        answer = await self._rest.get("compute", f"{self._path}/{collection}", query)
        scopes = answer.get("items", {})
        for place, scope in scopes.items():
            if scope.get("warning", {}).get("code", NOTHING) != NOTHING:
                # Machines that are not on the list would count as deleted.
                raise OSError(f"Google does not list the {collection} in {place}: {scope['warning']['code']}")
        return [each for scope in scopes.values() for each in scope.get(collection, ())], answer.get(
            "nextPageToken", ""
        )


def _event(operation: dict[str, Any]) -> MachineOperation | None:
    """None for what is not about a machine."""
    _, _, target = str(operation.get("targetLink", "")).partition("/zones/")
    zone, kind, name = (*target.split("/"), "", "", "")[:3]
    if kind != "instances":
        return None
    return MachineOperation(
        id=operation["name"],
        kind=operation["operationType"],
        zone=zone,
        machine=name,
        by=operation.get("user", ""),
        at=datetime.fromisoformat(operation["insertTime"]),
        is_done=operation["status"] == "DONE",
    )
