"""The APIs and permissions that each part of the infrastructure needs at Google. Permissions are grouped by role.

`terraform/bootstrap` grants the same. Tests compare both with each other and with the resources of each part.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.config import SHARED_PARTS

WORKSTATIONS = "workstations"
"""The part that every portal has. The others are in config.SHARED_PARTS."""
ACCESS = "access"
"""The part that every other part includes: firewall rules, service accounts and grants."""

COMPUTE = "roles/compute.admin"
SECRETS = "roles/secretmanager.admin"
STORAGE = "roles/storage.admin"
ACT_AS = "roles/iam.serviceAccountUser"


@dataclass(frozen=True)
class Need:
    """The needs of one part."""

    apis: tuple[str, ...]
    """APIs, without `.googleapis.com`."""
    grants: Mapping[str, tuple[str, ...]]
    """Role → the permissions of that role that Terraform and the worker use."""


def _each(kind: str, verbs: str) -> tuple[str, ...]:
    return tuple(f"{kind}.{verb}" for verb in verbs.split())


_LIFE = "create delete get update"
_POLICY = "getIamPolicy setIamPolicy"
_BUCKETS = (*_each("storage.buckets", f"{_LIFE} {_POLICY}"), *_each("storage.objects", "delete list"))
_SECRETS = (
    *_each("secretmanager.secrets", f"{_LIFE} {_POLICY}"),
    *_each("secretmanager.versions", "access add destroy get"),
)

NEEDS: dict[str, Need] = {
    WORKSTATIONS: Need(
        apis=("cloudresourcemanager", "compute", "iam", "secretmanager", "serviceusage"),
        grants={
            COMPUTE: (
                *_each("compute.addresses", "create delete get list setLabels use"),
                *_each("compute.disks", "create createSnapshot delete get list resize setLabels use"),
                *_each("compute.instances", "create delete get list reset resume start stop suspend"),
                *_each("compute.instances", "getGuestAttributes getSerialPortOutput"),
                *_each("compute.instances", "attachDisk detachDisk setLabels setMachineType setMetadata"),
                *_each("compute.instances", "setDeletionProtection setScheduling setServiceAccount setTags"),
                "compute.instances.updateShieldedInstanceConfig",
                *_each("compute.subnetworks", "use useExternalIp"),
                *_each("compute.snapshots", "create delete get list setLabels useReadOnly"),
                *_each("compute.globalOperations", "get list"),
                *_each("compute.regionOperations", "get list"),
                *_each("compute.zoneOperations", "get list"),
                *("compute.machineTypes.get", "compute.projects.get", "compute.regions.get", "compute.zones.get"),
                *("resourcemanager.projects.get", "serviceusage.services.list"),
            )
        },
    ),
    ACCESS: Need(
        apis=(),
        grants={
            COMPUTE: (
                *_each("compute.firewalls", _LIFE),
                *("compute.globalOperations.get", "compute.networks.updatePolicy"),
            ),
            "roles/iam.serviceAccountAdmin": _each("iam.serviceAccounts", f"{_LIFE} {_POLICY}"),
            # Machines use the service accounts that are created here.
            ACT_AS: ("iam.serviceAccounts.actAs",),
            "roles/resourcemanager.projectIamAdmin": _each("resourcemanager.projects", _POLICY),
            "roles/serviceusage.serviceUsageAdmin": _each("serviceusage.services", "enable get list"),
        },
    ),
    "storage": Need(apis=("storage",), grants={STORAGE: _BUCKETS}),
    "registries": Need(
        apis=("artifactregistry",),
        grants={"roles/artifactregistry.admin": _each("artifactregistry.repositories", f"{_LIFE} {_POLICY}")},
    ),
    "keys": Need(
        apis=(),
        grants={
            "roles/iam.serviceAccountKeyAdmin": _each("iam.serviceAccountKeys", "create delete get"),
            SECRETS: _SECRETS,
        },
    ),
    "sql": Need(
        apis=("servicenetworking", "sqladmin"),
        grants={
            "roles/cloudsql.admin": (
                *_each("cloudsql.instances", _LIFE),
                *_each("cloudsql.databases", "create delete get"),
                *_each("cloudsql.users", "create list update"),
            ),
            COMPUTE: (
                *_each("compute.globalAddresses", "createInternal deleteInternal get setLabels"),
                "compute.networks.use",
            ),
            "roles/servicenetworking.networksAdmin": _each("servicenetworking.services", "addPeering get"),
            SECRETS: _SECRETS,
        },
    ),
    "mlflow": Need(apis=("storage",), grants={STORAGE: _BUCKETS, SECRETS: _SECRETS}),
    "kubernetes": Need(
        apis=("container",),
        grants={
            "roles/container.admin": (*_each("container.clusters", _LIFE), "container.operations.get"),
            COMPUTE: (
                *_each("compute.networks", "addPeering create delete get removePeering updatePeering"),
                *_each("compute.routers", _LIFE),
                *_each("compute.subnetworks", _LIFE),
            ),
        },
    ),
}


def parts_for(parts: Iterable[str]) -> tuple[str, ...]:
    """Workstations, these parts, and the parts that they include."""
    chosen = set(parts)
    return (WORKSTATIONS, *(part for part in SHARED_PARTS if part in chosen or (chosen and part == ACCESS)))


def apis(parts: Iterable[str]) -> dict[str, list[str]]:
    """The needed APIs, each with the parts that need it."""
    needed: dict[str, list[str]] = {}
    for part in parts:
        for api in NEEDS[part].apis:
            needed.setdefault(f"{api}.googleapis.com", []).append(part)
    return dict(sorted(needed.items()))


def grants(parts: Iterable[str]) -> dict[str, list[str]]:
    """The needed permissions by role."""
    needed: dict[str, set[str]] = {}
    for part in parts:
        for role, permissions in NEEDS[part].grants.items():
            needed.setdefault(role, set()).update(permissions)
    return {role: sorted(permissions) for role, permissions in sorted(needed.items())}
