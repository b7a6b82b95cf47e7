"""The Compute API, as far as the worker asks it. Never imported by the web process: the client takes 4 s and 170 MB."""

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import structlog

from app.config import Settings
from app.infra.machines import MachineState, OperationFailedError, Power
from app.infra.zones import region_of

if TYPE_CHECKING:
    from google.cloud import compute_v1

log = structlog.get_logger()

_RESOURCE_ID = re.compile(r"projects/([^/]+)/(?:(zone)s/([^/]+)/(instance|disk)|(region)s/([^/]+)/(address)e)s/([^/]+)")
STACK_LABEL, OWNER_LABEL = "stationmaster-stack", "stationmaster-owner"
"""How the portal knows its own at Google."""
STACK_IN_DESCRIPTION = re.compile(rf"{STACK_LABEL}=([a-z0-9]+)")
"""The same, of what has no labels, or not from the start."""
GUEST_NAMESPACE = "stationmaster"
"""Of the guest attributes that the startup script writes; Google's own agent writes elsewhere."""
# Google's clients would go on for ten minutes by themselves, with nobody told. The run's own back-off tries again.
_ONCE: dict[str, Any] = {"timeout": 30.0, "retry": None}
_WAIT_SECONDS = 150.0
"""Google answers a wait for an operation after two minutes, done or not."""


@dataclass(frozen=True)
class Labelled:
    """Something at Google that bears a label."""

    id: str
    """As Terraform imports it: projects/P/zones/Z/instances/N."""
    labels: dict[str, str]


@dataclass(frozen=True)
class Quota:
    """How much of something the project may have, in one region or in all."""

    metric: str
    """As Google names it: GPUS_ALL_REGIONS, NVIDIA_L4_GPUS, SSD_TOTAL_GB."""
    limit: float
    usage: float
    region: str | None = None
    """None for the whole project."""


class Compute:
    """The project's machines, disks and addresses, through google-cloud-compute.

    Calls block, so each is made in a thread. What goes wrong is raised as Google's clients do, after the first try:
    google.api_core.exceptions.GoogleAPICallError for an answer that is an error, google.auth.exceptions.GoogleAuthError
    without credentials, OSError (requests.RequestException) where there is no answer.
    """

    def __init__(self, settings: Settings) -> None:
        self._project = settings.google_project
        self._endpoint = settings.compute_endpoint

    async def warm_up(self) -> None:
        """Import the client now, rather than in the first run."""
        await asyncio.to_thread(lambda: self._instances)

    async def guest_attributes(self, zone: str, instance: str) -> dict[str, str]:
        """What the machine has written into our namespace of its guest attributes; empty until it has."""
        return await asyncio.to_thread(self._guest_attributes, zone, instance)

    async def machine(self, zone: str, instance: str) -> MachineState | None:
        """How Google says that a machine is; None when it does not exist."""
        return await asyncio.to_thread(self._machine, zone, instance)

    async def order(self, power: Power, zone: str, instance: str, request_id: str) -> datetime:
        """Start, stop or reset a machine; returns when Google took the order, by its clock, once it is carried out.

        Ordered again with the same id, a UUID, Google does nothing a second time. Raises OperationFailedError as well.
        """
        return await asyncio.to_thread(self._order, power, zone, instance, request_id)

    async def labels_of(self, resource_id: str) -> dict[str, str] | None:
        """The labels of a machine, disk or address given by its Terraform import id; None when it does not exist.

        Without labels, the stack that its description names.

        Raises ValueError for an id of another form.
        """
        return await asyncio.to_thread(self._labels_of, resource_id)

    async def pending_operations(self, zone: str, stack_id: str) -> list[str]:
        """What Google is still doing in this zone and its region to the things named after the stack.

        In words: `insert of dev-1-abc123`.
        """
        return await asyncio.to_thread(self._pending_operations, zone, stack_id)

    async def labelled(self, label: str) -> list[Labelled]:
        """Every machine, disk and address of the project that has this label, whatever its value."""
        return await asyncio.to_thread(self._labelled, label)

    async def quotas(self, region: str) -> list[Quota]:
        """Those of the project, and those of this region."""
        return await asyncio.to_thread(self._quotas, region)

    async def zones(self) -> frozenset[str]:
        """The zones that the project may use."""
        return await asyncio.to_thread(self._names, "ZonesClient")

    async def machine_types(self, zone: str) -> frozenset[str]:
        """Names of the machine types in this zone."""
        return await asyncio.to_thread(self._names, "MachineTypesClient", zone=zone)

    async def accelerator_types(self, zone: str) -> frozenset[str]:
        """Names of the GPUs that can be had in this zone, added or built in."""
        return await asyncio.to_thread(self._names, "AcceleratorTypesClient", zone=zone)

    def _names(self, client: str, **where: str) -> frozenset[str]:
        from google.cloud import compute_v1

        listed = getattr(compute_v1, client)(**self._options()).list(project=self._project, **where, **_ONCE)
        return frozenset(each.name for each in listed)

    def _quotas(self, region: str) -> list[Quota]:
        from google.cloud import compute_v1

        project = compute_v1.ProjectsClient(**self._options()).get(project=self._project, **_ONCE)
        there = compute_v1.RegionsClient(**self._options()).get(project=self._project, region=region, **_ONCE)
        return [
            *(Quota(quota.metric, quota.limit, quota.usage) for quota in project.quotas),
            *(Quota(quota.metric, quota.limit, quota.usage, region) for quota in there.quotas),
        ]

    def _guest_attributes(self, zone: str, instance: str) -> dict[str, str]:
        from google.api_core.exceptions import NotFound

        path = f"{GUEST_NAMESPACE}/"
        request = {"project": self._project, "zone": zone, "instance": instance, "query_path": path}
        try:
            attributes = self._instances.get_guest_attributes(request=request, **_ONCE)
        except NotFound:
            return {}
        return {item.key: item.value for item in attributes.query_value.items}

    def _machine(self, zone: str, instance: str) -> MachineState | None:
        from google.api_core.exceptions import NotFound

        request = {"project": self._project, "zone": zone, "instance": instance}
        try:
            return MachineState.read(self._instances.get(request=request, **_ONCE))
        except NotFound:
            return None

    def _order(self, power: Power, zone: str, instance: str, request_id: str) -> datetime:
        request: dict[str, Any] = {"project": self._project, "zone": zone, "instance": instance}
        request["request_id"] = request_id
        if power is Power.STOP:
            # Google wants this said of machines that have local SSDs; of others it means nothing.
            request["discard_local_ssd"] = True
        order = getattr(self._instances, f"{power}_unary")
        return datetime.fromisoformat(self._done(zone, order(request=request, **_ONCE)).insert_time)

    def _done(self, zone: str, operation: "compute_v1.Operation") -> "compute_v1.Operation":
        """The operation, once it has ended well. The library's own waiting asks Google whatever the endpoint."""
        from google.api_core.exceptions import GatewayTimeout
        from google.cloud import compute_v1

        request = {"project": self._project, "zone": zone, "operation": operation.name}
        if operation.status != compute_v1.Operation.Status.DONE:
            operation = self._zone_operations.wait(request=request, timeout=_WAIT_SECONDS, retry=None)
        if operation.status != compute_v1.Operation.Status.DONE:
            raise GatewayTimeout(f"Google has not ended {operation.name} ({operation.operation_type}) in 2 minutes")
        if operation.http_error_status_code:
            said = "; ".join(error.message for error in operation.error.errors) or operation.http_error_message
            raise OperationFailedError(f"{operation.operation_type}: Error {operation.http_error_status_code}: {said}")
        return operation

    def _labels_of(self, resource_id: str) -> dict[str, str] | None:
        from google.api_core.exceptions import NotFound

        found = _RESOURCE_ID.fullmatch(resource_id)
        if found is None:
            raise ValueError(f"not the id of a machine, disk or address: {resource_id}")
        project, scope, place, kind, name = (part for part in found.groups() if part)
        try:
            thing = self._clients[kind].get(request={"project": project, scope: place, kind: name}, **_ONCE)
        except NotFound:
            return None
        described = STACK_IN_DESCRIPTION.search(thing.description or "")
        # An address has no labels for its first seconds; its description came with it.
        return dict(thing.labels) or ({STACK_LABEL: described[1]} if described else {})

    def _pending_operations(self, zone: str, stack_id: str) -> list[str]:
        unfinished = {"project": self._project, "filter": "status != DONE"}
        region = region_of(zone)
        operations = [
            *self._zone_operations.list(request={**unfinished, "zone": zone}, **_ONCE),
            *self._region_operations.list(request={**unfinished, "region": region}, **_ONCE),
        ]
        named = [(operation.operation_type, operation.target_link.rpartition("/")[2]) for operation in operations]
        return [f"{doing} of {name}" for doing, name in named if stack_id in name.split("-")]

    def _labelled(self, label: str) -> list[Labelled]:
        request = {"project": self._project, "filter": f"labels.{label}:*"}
        lists = {"instances": "instance", "disks": "disk", "addresses": "address"}
        return [
            Labelled(thing.self_link[thing.self_link.index("projects/") :], dict(thing.labels))
            for plural, kind in lists.items()
            for _, scope in self._clients[kind].aggregated_list(request=request, **_ONCE)
            for thing in getattr(scope, plural)
        ]

    @property
    def _instances(self) -> "compute_v1.InstancesClient":
        client: compute_v1.InstancesClient = self._clients["instance"]
        return client

    @cached_property
    def _clients(self) -> dict[str, Any]:
        """By the word that Google's requests use for the thing."""
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

            # Credentials never travel over plain HTTP.
            options["credentials"] = AnonymousCredentials()
        return options
