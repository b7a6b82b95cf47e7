"""What the worker needs of Google for each part of the infrastructure: APIs, and permissions by the role that has them.

`terraform/bootstrap` grants the same; tests hold the two together.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

WORKSTATIONS = "workstations"
"""The part that every portal has; the others are config.SHARED_PARTS."""

COMPUTE = "roles/compute.admin"
SECRETS = "roles/secretmanager.admin"
ACT_AS = "roles/iam.serviceAccountUser"


@dataclass(frozen=True)
class Need:
    """What one part needs."""

    apis: tuple[str, ...]
    """Without their `.googleapis.com`."""
    grants: Mapping[str, tuple[str, ...]]
    """Role → those of its permissions that Terraform and the worker use."""


def _each(kind: str, verbs: str) -> tuple[str, ...]:
    return tuple(f"{kind}.{verb}" for verb in verbs.split())


_LIFE = "create delete get update"
_POLICY = "getIamPolicy setIamPolicy"

NEEDS: dict[str, Need] = {
    WORKSTATIONS: Need(
        apis=("cloudresourcemanager", "compute", "iam", "secretmanager", "serviceusage"),
        grants={
            COMPUTE: (
                *_each("compute.addresses", "create delete get list setLabels use"),
                *_each("compute.disks", "create delete get list resize setLabels use"),
                *_each("compute.instances", "create delete get list getGuestAttributes reset start stop"),
                *_each("compute.instances", "attachDisk detachDisk setLabels setMachineType setMetadata"),
                *_each("compute.instances", "setScheduling setServiceAccount setTags"),
                *_each("compute.subnetworks", "use useExternalIp"),
                *_each("compute.zoneOperations", "get list"),
                *_each("compute.regionOperations", "get list"),
                *("compute.machineTypes.get", "compute.projects.get", "compute.regions.get", "compute.zones.get"),
                *("compute.snapshots.useReadOnly", "resourcemanager.projects.get", "serviceusage.services.list"),
            )
        },
    ),
    "access": Need(
        apis=(),
        grants={
            COMPUTE: (*_each("compute.firewalls", _LIFE), "compute.networks.updatePolicy"),
            "roles/iam.serviceAccountAdmin": _each("iam.serviceAccounts", f"{_LIFE} {_POLICY}"),
            "roles/resourcemanager.projectIamAdmin": _each("resourcemanager.projects", _POLICY),
            "roles/serviceusage.serviceUsageAdmin": ("serviceusage.services.enable",),
        },
    ),
    "storage": Need(
        apis=("storage",),
        grants={"roles/storage.admin": _each("storage.buckets", f"{_LIFE} {_POLICY}")},
    ),
    "registries": Need(
        apis=("artifactregistry",),
        grants={"roles/artifactregistry.admin": _each("artifactregistry.repositories", f"{_LIFE} {_POLICY}")},
    ),
    "sql": Need(
        apis=("servicenetworking", "sqladmin"),
        grants={
            "roles/cloudsql.admin": (
                *_each("cloudsql.instances", _LIFE),
                *_each("cloudsql.databases", "create delete get"),
                *_each("cloudsql.users", "create delete list update"),
            ),
            COMPUTE: _each("compute.globalAddresses", "createInternal deleteInternal get use"),
            "roles/servicenetworking.networksAdmin": ("servicenetworking.services.addPeering",),
            SECRETS: (
                *_each("secretmanager.secrets", f"{_LIFE} {_POLICY}"),
                *_each("secretmanager.versions", "access add destroy get"),
            ),
        },
    ),
    "mlflow": Need(
        apis=("storage", "servicenetworking", "sqladmin"),
        grants={ACT_AS: ("iam.serviceAccounts.actAs",), COMPUTE: _each("compute.firewalls", _LIFE)},
    ),
    "kubernetes": Need(
        apis=("container",),
        grants={
            "roles/container.admin": (*_each("container.clusters", _LIFE), "container.operations.get"),
            COMPUTE: (
                *_each("compute.networks", "addPeering create delete get removePeering"),
                *_each("compute.subnetworks", "create delete get"),
            ),
            ACT_AS: ("iam.serviceAccounts.actAs",),
        },
    ),
}


def apis(parts: Iterable[str]) -> dict[str, list[str]]:
    """API → the parts that need it."""
    needed: dict[str, list[str]] = {}
    for part in parts:
        for api in NEEDS[part].apis:
            needed.setdefault(f"{api}.googleapis.com", []).append(part)
    return dict(sorted(needed.items()))


def grants(parts: Iterable[str]) -> dict[str, list[str]]:
    """Role → the permissions that are needed of it."""
    needed: dict[str, set[str]] = {}
    for part in parts:
        for role, permissions in NEEDS[part].grants.items():
            needed.setdefault(role, set()).update(permissions)
    return {role: sorted(permissions) for role, permissions in sorted(needed.items())}
