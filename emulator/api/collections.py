"""The collections of the Compute Engine API: what they contain, and in which scope."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from emulator.cloud.cloud import Cloud
from emulator.core.catalog import REGIONS, ZONES
from emulator.core.errors import CloudError
from emulator.core.ids import ADDRESS, DISK, INSTANCE, SNAPSHOT, last
from emulator.core.store import CloudResource, Json
from emulator.rules.base import Context
from emulator.views.instances import instance_view
from emulator.views.lists import Listed
from emulator.views.places import accelerator_types_in, machine_types_in, region_view, zone_view
from emulator.views.resources import address_view, disk_view, operation_view, snapshot_view


@dataclass(frozen=True)
class Place:
    project: str
    scope: str
    """global, zones/Z or regions/R; empty for the project."""

    @property
    def path(self) -> str:
        return f"projects/{self.project}/{self.scope}".rstrip("/")

    @property
    def name(self) -> str:
        return self.scope.partition("/")[2]

    @property
    def level(self) -> str:
        return self.scope.partition("/")[0]


@dataclass(frozen=True)
class Collection:
    name: str
    kind: str
    type: str
    """The name in the log and for faults: Terraform's type if there is one."""
    levels: tuple[str, ...]
    views: Callable[[Cloud, Place], Sequence[Mapping[str, Any]]]
    scopes: tuple[str, ...] = ()
    """The scopes in its aggregated list, including empty ones; empty if the emulator has no such list."""


def collection(name: str, place: Place) -> Collection:
    """The collection with this name. Raises CloudError (404) if the emulator, or Google in this scope, does not have
    it."""
    found = COLLECTIONS.get(name)
    if found is None or place.level not in found.levels:
        raise CloudError(404, f"The emulator does not have {name} in {place.path}")
    return found


def aggregate(name: str) -> Collection:
    """The collection with this name, if it has an aggregated list. Raises CloudError (404) otherwise."""
    found = COLLECTIONS.get(name)
    if found is None or not found.scopes:
        raise CloudError(404, f"The emulator does not have the aggregated list of {name}")
    return found


def scope_of_link(self_link: str) -> str:
    """The scope of a resource in an aggregated list: zones/Z, regions/R or global."""
    scope = self_link.partition("/projects/")[2].split("/")[1:3]
    return "global" if scope[0] == "global" else "/".join(scope)


def operation_user(place: Place) -> str:
    return f"stationmaster@{place.project}.iam.gserviceaccount.com"


def _stored(type_: str, view: Callable[[Context, CloudResource], Json]) -> Callable[[Cloud, Place], list[Listed]]:
    return lambda cloud, place: [
        Listed(last(resource.id), partial(view, cloud.context, resource))
        for resource in cloud.store.all(type_, f"{place.path}/")
    ]


def _operations(cloud: Cloud, place: Place) -> list[Json]:
    bodies = cloud.operations.in_scope(place.project, place.scope)
    return [operation_view(body, operation_user(place)) for body in bodies]


_EACH_ZONE = tuple(f"zones/{zone}" for zone in ZONES)
_EACH_REGION = tuple(f"regions/{region}" for region in REGIONS)

COLLECTIONS = {
    found.name: found
    for found in (
        Collection("instances", "instance", INSTANCE, ("zones",), _stored(INSTANCE, instance_view), _EACH_ZONE),
        # Google also has regional disks and global addresses. Here, these scopes are empty.
        Collection("disks", "disk", DISK, ("zones",), _stored(DISK, disk_view), (*_EACH_REGION, *_EACH_ZONE)),
        Collection(
            "addresses", "address", ADDRESS, ("regions",), _stored(ADDRESS, address_view), ("global", *_EACH_REGION)
        ),
        Collection("snapshots", "snapshot", SNAPSHOT, ("global",), _stored(SNAPSHOT, snapshot_view)),
        Collection(
            "operations",
            "operation",
            "operations",
            ("zones", "regions", "global"),
            _operations,
            ("global", *_EACH_REGION, *_EACH_ZONE),
        ),
        Collection(
            "machineTypes",
            "machineType",
            "machineTypes",
            ("zones",),
            lambda cloud, place: machine_types_in(place.project, place.name),
        ),
        Collection(
            "acceleratorTypes",
            "acceleratorType",
            "acceleratorTypes",
            ("zones",),
            lambda cloud, place: accelerator_types_in(place.project, place.name),
        ),
        Collection(
            "zones", "zone", "zones", ("",), lambda cloud, place: [zone_view(place.project, zone) for zone in ZONES]
        ),
        Collection(
            "regions",
            "region",
            "regions",
            ("",),
            lambda cloud, place: [region_view(cloud.context, place.project, region) for region in REGIONS],
        ),
    )
}
