"""Projects, regions, zones, and what is on offer in them, as the Compute Engine API shows them."""

from collections.abc import Callable

from emulator.core.accelerators import of_machine
from emulator.core.attachments import first
from emulator.core.catalog import (
    A100,
    A100_80,
    ACCELERATORS,
    H100,
    L4,
    MACHINE_TYPES,
    REGIONS,
    T4,
    Accelerator,
    MachineType,
    region_zones,
)
from emulator.core.ids import ADDRESS, DISK, INSTANCE, last, link, region_of
from emulator.core.project_settings import ProjectSettings
from emulator.core.projects import project_number
from emulator.core.store import Json
from emulator.rules.base import Context
from emulator.rules.checks import scoped
from emulator.views.common import fixed_head

# More than a demo team needs; they are shown, and quota errors are injected as faults.
PROJECT_LIMITS = {"CPUS_ALL_REGIONS": 1000.0, "GPUS_ALL_REGIONS": 32.0, "NETWORKS": 15.0, "SNAPSHOTS": 5000.0}
REGION_LIMITS = {
    "CPUS": 600.0,
    "DISKS_TOTAL_GB": 40960.0,
    "SSD_TOTAL_GB": 40960.0,
    "INSTANCES": 600.0,
    "IN_USE_ADDRESSES": 64.0,
    "STATIC_ADDRESSES": 64.0,
    "NVIDIA_L4_GPUS": 16.0,
    "NVIDIA_T4_GPUS": 16.0,
    "NVIDIA_A100_GPUS": 8.0,
    "NVIDIA_A100_80GB_GPUS": 0.0,
    "PREEMPTIBLE_NVIDIA_L4_GPUS": 16.0,
    "PREEMPTIBLE_NVIDIA_T4_GPUS": 16.0,
    "PREEMPTIBLE_NVIDIA_A100_GPUS": 8.0,
    "PREEMPTIBLE_NVIDIA_A100_80GB_GPUS": 8.0,
    "PREEMPTIBLE_NVIDIA_H100_GPUS": 8.0,
}
GPU_METRICS = {
    A100: "NVIDIA_A100_GPUS",
    A100_80: "NVIDIA_A100_80GB_GPUS",
    H100: "NVIDIA_H100_GPUS",
    L4: "NVIDIA_L4_GPUS",
    T4: "NVIDIA_T4_GPUS",
}
"""The RTX PRO 6000 has none, the H100 one for Spot alone: this API does not list the newest GPUs' other quotas."""


def compute_project_view(context: Context, project: str) -> Json:
    usage = _usage(context, project, REGIONS)
    return {
        **fixed_head("project", f"projects/{project}", project),
        "id": project_number(project),
        "defaultServiceAccount": f"{project_number(project)}-compute@developer.gserviceaccount.com",
        "defaultNetworkTier": "PREMIUM",
        "xpnProjectStatus": "UNSPECIFIED_XPN_PROJECT_STATUS",
        "commonInstanceMetadata": {"kind": "compute#metadata"},
        "quotas": _quotas(context, PROJECT_LIMITS, usage),
    }


def region_view(context: Context, project: str, region: str) -> Json:
    return {
        **fixed_head("region", f"projects/{project}/regions/{region}", region),
        "description": region,
        "status": "UP",
        "zones": [link(f"projects/{project}/zones/{zone}") for zone in region_zones(region)],
        "quotas": _quotas(context, REGION_LIMITS, _usage(context, project, (region,))),
    }


def zone_view(project: str, zone: str) -> Json:
    return {
        **fixed_head("zone", f"projects/{project}/zones/{zone}", zone),
        "description": zone,
        "status": "UP",
        "region": link(f"projects/{project}/regions/{region_of(zone)}"),
        "availableCpuPlatforms": ["Intel Cascade Lake", "Intel Ice Lake"],
    }


def machine_types_in(project: str, zone: str) -> list[Json]:
    return [_machine_type(project, zone, machine) for machine in MACHINE_TYPES.values() if zone in machine.zones]


def accelerator_types_in(project: str, zone: str) -> list[Json]:
    return [_accelerator(project, zone, found) for found in ACCELERATORS.values() if zone in found.zones]


def _machine_type(project: str, zone: str, machine: MachineType) -> Json:
    view: Json = {
        **fixed_head("machineType", f"projects/{project}/zones/{zone}/machineTypes/{machine.name}", machine.name),
        "description": machine.description,
        "guestCpus": machine.cpus,
        "memoryMb": machine.memory_gb * 1024,
        "imageSpaceGb": 0,
        "maximumPersistentDisks": 128,
        "maximumPersistentDisksSizeGb": "263168",
        "zone": zone,
        "isSharedCpu": machine.name in ("e2-micro", "e2-small", "e2-medium"),
        "architecture": "X86_64",
    }
    if machine.accelerator:
        built_in = {"guestAcceleratorType": machine.accelerator, "guestAcceleratorCount": machine.accelerators}
        view["accelerators"] = [built_in]
    return view


def _accelerator(project: str, zone: str, accelerator: Accelerator) -> Json:
    id_ = f"projects/{project}/zones/{zone}/acceleratorTypes/{accelerator.name}"
    return {
        **fixed_head("acceleratorType", id_, accelerator.name),
        "description": accelerator.description,
        "zone": link(f"projects/{project}/zones/{zone}"),
        "maximumCardsPerInstance": max(accelerator.counts),
    }


def _add_gpus(add: Callable[[str, float], None], state: Json) -> None:
    for name, count in of_machine(state):
        if metric := GPU_METRICS.get(name):
            is_spot = first(state, "scheduling").get("provisioning_model") == "SPOT"
            add(f"PREEMPTIBLE_{metric}" if is_spot else metric, count)
            add("GPUS_ALL_REGIONS", count)


def _quotas(context: Context, limits: dict[str, float], usage: dict[str, float]) -> list[Json]:
    changed = ProjectSettings.of(context.store).quotas
    return [
        {"metric": metric, "limit": float(changed.get(metric, limit)), "usage": usage.get(metric, 0.0)}
        for metric, limit in limits.items()
    ]


def _usage(context: Context, project: str, regions: tuple[str, ...]) -> dict[str, float]:
    """What running machines, disks and addresses use, by quota metric."""
    used: dict[str, float] = {}

    def add(metric: str, amount: float) -> None:
        used[metric] = used.get(metric, 0.0) + amount

    for resource in context.store.all(INSTANCE, f"projects/{project}/zones/"):
        machine = MACHINE_TYPES.get(last(str(resource.state.get("machine_type") or "")))
        if scoped(resource).region not in regions or machine is None:
            continue
        add("INSTANCES", 1)
        if resource.cloud["status"] == "RUNNING":
            add("CPUS", machine.cpus)
            add("CPUS_ALL_REGIONS", machine.cpus)
            _add_gpus(add, resource.state)
        if resource.cloud.get("nat_ip"):
            add("IN_USE_ADDRESSES", 1)
    for disk in context.store.all(DISK, f"projects/{project}/zones/"):
        if scoped(disk).region in regions:
            is_hdd = last(str(disk.state.get("type") or "")) == "pd-standard"
            add("DISKS_TOTAL_GB" if is_hdd else "SSD_TOTAL_GB", float(disk.state.get("size") or 10))
    for address in context.store.all(ADDRESS, f"projects/{project}/regions/"):
        if scoped(address).region in regions:
            add("STATIC_ADDRESSES", 1)
    return used
