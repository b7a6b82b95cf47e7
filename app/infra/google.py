"""The Compute API for the worker. The web process never imports it, because Google's client takes 4 s and 170 MB."""

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import structlog

from app.config import Settings
from app.infra.google_operations import ONCE, WAIT, check
from app.infra.machines import MachineState, Power
from app.infra.ownership import STACK_LABEL, stack_of
from app.infra.run_limits import RunLimits
from app.infra.snapshots import Snapshots
from app.infra.zones import region_of

if TYPE_CHECKING:
    from google.cloud import compute_v1

log = structlog.get_logger()

_RESOURCE_ID = re.compile(r"projects/([^/]+)/(?:(zone)s/([^/]+)/(instance|disk)|(region)s/([^/]+)/(address)e)s/([^/]+)")
GUEST_NAMESPACE = "stationmaster"
"""The namespace of the startup script's guest attributes. Google's own agent uses others."""
SERIAL_BYTES = 128 * 1024


@dataclass(frozen=True)
class Labelled:
    """A resource with a label."""

    id: str
    """The ID for Terraform's import: projects/P/zones/Z/instances/N."""
    labels: dict[str, str]


@dataclass(frozen=True)
class Quota:
    """A quota of the project, for one region or globally."""

    metric: str
    """Google's name: GPUS_ALL_REGIONS, NVIDIA_L4_GPUS, SSD_TOTAL_GB."""
    limit: float
    usage: float
    region: str | None = None
    """None for a global quota."""


class Compute:
    """The project's machines, disks and addresses, through google-cloud-compute.

    Calls run in threads and are not repeated. Raises the errors of Google's clients: GoogleAPICallError
    (google.api_core) for error responses, GoogleAuthError (google.auth) without credentials, and OSError
    (requests.RequestException) without a response.
    """

    def __init__(self, settings: Settings) -> None:
        self._project = settings.google_project
        self._endpoint = settings.compute_endpoint

    @property
    def snapshots(self) -> Snapshots:
        """The project's snapshots."""
        return self._snapshots

    @property
    def run_limits(self) -> RunLimits:
        """The limits of how long machines may run."""
        return self._run_limits

    @cached_property
    def _run_limits(self) -> RunLimits:
        return RunLimits(self._project, self._endpoint)

    @cached_property
    def _snapshots(self) -> Snapshots:
        return Snapshots(self._project, self._options())

    async def warm_up(self) -> None:
        """Import the client now, so that the first run need not wait for it."""
        await asyncio.to_thread(lambda: self._instances)

    async def guest_attributes(self, zone: str, instance: str) -> dict[str, str]:
        """The guest attributes in the portal's namespace; empty if there are none."""
        return await asyncio.to_thread(self._guest_attributes, zone, instance)

    async def serial_console(self, zone: str, instance: str) -> str:
        """The end of what the machine has printed on its first serial port. Google has it while the machine runs."""
        return await asyncio.to_thread(self._serial_console, zone, instance)

    async def machine(self, zone: str, instance: str) -> MachineState | None:
        """The state of a machine; None if it does not exist."""
        return await asyncio.to_thread(self._machine, zone, instance)

    async def order(self, power: Power, zone: str, instance: str, request_id: str) -> datetime:
        """Start, stop or reset a machine, and wait for it; returns when Google accepted the order, by Google's clock.

        A repeated order with the same `request_id`, a UUID, has no further effect. Raises OperationFailedError as well.
        """
        return await asyncio.to_thread(self._order, power, zone, instance, request_id)

    async def labels_of(self, resource_id: str) -> dict[str, str] | None:
        """The labels of a machine, disk or address with this import ID; None if it does not exist.

        The stack named in the description counts as a label. Raises ValueError for another kind of ID.
        """
        return await asyncio.to_thread(self._labels_of, resource_id)

    async def pending_operations(self, zone: str, stack_id: str) -> list[str]:
        """Google's unfinished operations on resources of the stack, such as `insert of dev-1-abc123`."""
        return await asyncio.to_thread(self._pending_operations, zone, stack_id)

    async def labelled(self, label: str) -> list[Labelled]:
        """All machines, disks and addresses of the project with this label, whatever its value.

        The stack named in the description counts as a label.
        """
        return await asyncio.to_thread(self._labelled, label)

    async def quotas(self, region: str) -> list[Quota]:
        """The global quotas, and those of this region."""
        return await asyncio.to_thread(self._quotas, region)

    async def zones(self) -> frozenset[str]:
        """The zones that the project can use."""
        return await asyncio.to_thread(self._names, "ZonesClient")

    async def machine_types(self, zone: str) -> frozenset[str]:
        """The names of machine types in this zone."""
        return await asyncio.to_thread(self._names, "MachineTypesClient", zone=zone)

    async def accelerator_types(self, zone: str) -> frozenset[str]:
        """The names of GPUs in this zone, attached or part of a machine type."""
        return await asyncio.to_thread(self._names, "AcceleratorTypesClient", zone=zone)

    def _names(self, client: str, **where: str) -> frozenset[str]:
        from google.cloud import compute_v1

        listed = getattr(compute_v1, client)(**self._options()).list(project=self._project, **where, **ONCE)
        return frozenset(each.name for each in listed)

    def _quotas(self, region: str) -> list[Quota]:
        from google.cloud import compute_v1

        project = compute_v1.ProjectsClient(**self._options()).get(project=self._project, **ONCE)
        there = compute_v1.RegionsClient(**self._options()).get(project=self._project, region=region, **ONCE)
        return [
            *(Quota(quota.metric, quota.limit, quota.usage) for quota in project.quotas),
            *(Quota(quota.metric, quota.limit, quota.usage, region) for quota in there.quotas),
        ]

    def _guest_attributes(self, zone: str, instance: str) -> dict[str, str]:
        from google.api_core.exceptions import NotFound

        path = f"{GUEST_NAMESPACE}/"
        request = {"project": self._project, "zone": zone, "instance": instance, "query_path": path}
        try:
            attributes = self._instances.get_guest_attributes(request=request, **ONCE)
        except NotFound:
            return {}
        return {item.key: item.value for item in attributes.query_value.items}

    def _serial_console(self, zone: str, instance: str) -> str:
        # A negative start counts from the end.
        part = {"port": 1, "start": -SERIAL_BYTES}
        request = {"project": self._project, "zone": zone, "instance": instance, **part}
        return str(self._instances.get_serial_port_output(request=request, **ONCE).contents)

    def _machine(self, zone: str, instance: str) -> MachineState | None:
        from google.api_core.exceptions import NotFound

        request = {"project": self._project, "zone": zone, "instance": instance}
        try:
            return MachineState.read(self._instances.get(request=request, **ONCE))
        except NotFound:
            return None

    def _order(self, power: Power, zone: str, instance: str, request_id: str) -> datetime:
        request: dict[str, Any] = {"project": self._project, "zone": zone, "instance": instance}
        request["request_id"] = request_id
        if power is Power.STOP:
            # Required for machines with local SSDs, and ignored for others.
            request["discard_local_ssd"] = True
        order = getattr(self._instances, f"{power}_unary")
        return datetime.fromisoformat(self._done(zone, order(request=request, **ONCE)).insert_time)

    def _done(self, zone: str, operation: "compute_v1.Operation") -> "compute_v1.Operation":
        """The finished operation. Raises OperationFailedError."""
        from google.api_core.exceptions import GatewayTimeout
        from google.cloud import compute_v1

        # Not the library's own wait, which always asks Google, even with another endpoint in the settings.
        request = {"project": self._project, "zone": zone, "operation": operation.name}
        if operation.status != compute_v1.Operation.Status.DONE:
            # Google answers as soon as the operation is done, so there is no need to poll.
            operation = self._zone_operations.wait(request=request, **WAIT)
        if operation.status != compute_v1.Operation.Status.DONE:
            raise GatewayTimeout(f"Google has not ended {operation.name} ({operation.operation_type}) in 2 minutes")
        check(operation)
        return operation

    def _labels_of(self, resource_id: str) -> dict[str, str] | None:
        from google.api_core.exceptions import NotFound

        found = _RESOURCE_ID.fullmatch(resource_id)
        if found is None:
            raise ValueError(f"not the id of a machine, disk or address: {resource_id}")
        project, scope, place, kind, name = (part for part in found.groups() if part)
        try:
            thing = self._clients[kind].get(request={"project": project, scope: place, kind: name}, **ONCE)
        except NotFound:
            return None
        return _labels(thing)

    def _pending_operations(self, zone: str, stack_id: str) -> list[str]:
        unfinished = {"project": self._project, "filter": "status != DONE"}
        region = region_of(zone)
        operations = [
            *self._zone_operations.list(request={**unfinished, "zone": zone}, **ONCE),
            *self._region_operations.list(request={**unfinished, "region": region}, **ONCE),
        ]
        named = [(operation.operation_type, operation.target_link.rpartition("/")[2]) for operation in operations]
        # Names contain the stack's ID between hyphens.
        return [f"{doing} of {name}" for doing, name in named if stack_id in name.split("-")]

    def _labelled(self, label: str) -> list[Labelled]:
        everything = {"project": self._project}
        labelled = {**everything, "filter": f"labels.{label}:*"}
        # Addresses are few, and one may have its description only.
        requests = {"instance": labelled, "disk": labelled, "address": everything}
        plurals = {"instance": "instances", "disk": "disks", "address": "addresses"}
        return [
            Labelled(thing.self_link[thing.self_link.index("projects/") :], labels)
            for kind, request in requests.items()
            for _, scope in self._clients[kind].aggregated_list(request=request, **ONCE)
            for thing in getattr(scope, plurals[kind])
            if label in (labels := _labels(thing))
        ]

    @property
    def _instances(self) -> "compute_v1.InstancesClient":
        client: compute_v1.InstancesClient = self._clients["instance"]
        return client

    @cached_property
    def _clients(self) -> dict[str, Any]:
        """The clients, by the names that Google's requests use."""
        from google.cloud import compute_v1

        kinds = {
            "instance": compute_v1.InstancesClient,
            "disk": compute_v1.DisksClient,
            "address": compute_v1.AddressesClient,
        }
        return {kind: client(**self._options()) for kind, client in kinds.items()}

    @cached_property
    def _zone_operations(self) -> "compute_v1.ZoneOperationsClient":
        from google.cloud import compute_v1

        return compute_v1.ZoneOperationsClient(**self._options())

    @cached_property
    def _region_operations(self) -> "compute_v1.RegionOperationsClient":
        from google.cloud import compute_v1

        return compute_v1.RegionOperationsClient(**self._options())

    def _options(self) -> dict[str, Any]:
        if not self._endpoint:
            return {}
        options: dict[str, Any] = {"client_options": {"api_endpoint": self._endpoint}}
        if self._endpoint.startswith("http://"):
            from google.auth.credentials import AnonymousCredentials

            # Credentials are never sent over plain HTTP.
            options["credentials"] = AnonymousCredentials()
        return options


def _labels(thing: Any) -> dict[str, str]:
    labels = dict(thing.labels)
    stack = stack_of(labels, thing.description)
    return labels | ({STACK_LABEL: stack} if stack else {})
