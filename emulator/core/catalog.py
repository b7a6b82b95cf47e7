"""What Google offers in the two regions of the emulator. Source: Google's tables of machine types and GPU regions."""

from dataclasses import dataclass

UNKNOWN_IMAGE_GB = 10
ALL_ZONES = ("europe-west4-a", "europe-west4-b", "europe-west4-c")
ALL_ZONES_US = ("us-central1-a", "us-central1-b", "us-central1-c", "us-central1-f")
ZONES = ALL_ZONES + ALL_ZONES_US
REGIONS = ("europe-west4", "us-central1")


@dataclass(frozen=True)
class MachineType:
    name: str
    cpus: int
    memory_gb: int
    zones: tuple[str, ...]
    accelerator: str = ""
    """The GPU of the machine type; empty if it has none."""
    accelerators: int = 0
    local_ssds: int = 0
    """The number of local SSDs that the machine type always has."""

    @property
    def family(self) -> str:
        return self.name.partition("-")[0]

    @property
    def description(self) -> str:
        gpu = f", {self.accelerators} {self.accelerator} GPU" if self.accelerator else ""
        return f"{self.cpus} vCPUs, {self.memory_gb} GB RAM{gpu}"


@dataclass(frozen=True)
class Accelerator:
    name: str
    description: str
    zones: tuple[str, ...]
    counts: tuple[int, ...]
    families: tuple[str, ...]
    """Machine families that support it."""


_GPU_ZONES = ("europe-west4-a", "europe-west4-b", "europe-west4-c", "us-central1-a", "us-central1-b", "us-central1-c")
_A100_ZONES = ("europe-west4-a", "europe-west4-b", *ALL_ZONES_US)
_A100_80_ZONES = ("europe-west4-a", "us-central1-a", "us-central1-c")
_H100_ZONES = ("europe-west4-b", "europe-west4-c", "us-central1-a", "us-central1-b", "us-central1-c")
_RTX_ZONES = ("europe-west4-b", "us-central1-b")

L4, A100, A100_80, H100, T4, RTX = (
    "nvidia-l4",
    "nvidia-tesla-a100",
    "nvidia-a100-80gb",
    "nvidia-h100-80gb",
    "nvidia-tesla-t4",
    "nvidia-rtx-pro-6000",
)


def _machine_types() -> list[MachineType]:
    plain = [
        *(MachineType(f"e2-standard-{n}", n, 4 * n, ZONES) for n in (2, 4, 8, 16)),
        MachineType("e2-micro", 2, 1, ZONES),
        MachineType("e2-small", 2, 2, ZONES),
        MachineType("e2-medium", 2, 4, ZONES),
        *(MachineType(f"n2-standard-{n}", n, 4 * n, ZONES) for n in (2, 4, 8, 16)),
        *(MachineType(f"n1-standard-{n}", n, n * 15 // 4, ZONES) for n in (4, 8, 16)),
    ]
    built_in = [
        *(MachineType(f"g2-standard-{n}", n, 4 * n, _GPU_ZONES, L4, 1) for n in (4, 8, 12, 16, 32)),
        MachineType("g2-standard-24", 24, 96, _GPU_ZONES, L4, 2),
        MachineType("g2-standard-48", 48, 192, _GPU_ZONES, L4, 4),
        MachineType("a2-highgpu-1g", 12, 85, _A100_ZONES, A100, 1),
        MachineType("a2-highgpu-2g", 24, 170, _A100_ZONES, A100, 2),
        MachineType("a2-ultragpu-1g", 12, 170, _A100_80_ZONES, A100_80, 1, local_ssds=1),
        MachineType("a3-highgpu-1g", 26, 234, _H100_ZONES, H100, 1, local_ssds=2),
        MachineType("g4-standard-48", 48, 180, _RTX_ZONES, RTX, 1, local_ssds=4),
    ]
    return plain + built_in


MACHINE_TYPES = {machine.name: machine for machine in _machine_types()}
ACCELERATORS = {
    accelerator.name: accelerator
    for accelerator in (
        Accelerator(T4, "NVIDIA T4", ZONES, (1, 2, 4), ("n1",)),
        Accelerator(L4, "NVIDIA L4", _GPU_ZONES, (1, 2, 4), ("g2",)),
        Accelerator(A100, "NVIDIA A100 40GB", _A100_ZONES, (1, 2), ("a2",)),
        Accelerator(A100_80, "NVIDIA A100 80GB", _A100_80_ZONES, (1,), ("a2",)),
        Accelerator(H100, "NVIDIA H100 80GB", _H100_ZONES, (1,), ("a3",)),
        Accelerator(RTX, "NVIDIA RTX PRO 6000", _RTX_ZONES, (1,), ("g4",)),
    )
}
DISK_TYPES = ("pd-standard", "pd-balanced", "pd-ssd", "pd-extreme", "hyperdisk-balanced")
DISK_TYPES_OF = {
    **dict.fromkeys(("e2", "n1", "n2"), ("pd-standard", "pd-balanced", "pd-ssd", "pd-extreme")),
    "a2": ("pd-standard", "pd-balanced", "pd-ssd"),
    "a3": ("pd-balanced", "pd-ssd", "hyperdisk-balanced"),
    "g2": ("pd-balanced", "pd-ssd"),
    "g4": ("hyperdisk-balanced",),
}
"""Machine family → what its machines support. Other families support everything."""
IMAGES = {
    "ubuntu-os-cloud": {"ubuntu-2204-lts": 10, "ubuntu-2404-lts-amd64": 10},
    "debian-cloud": {"debian-12": 10, "debian-13": 10},
    "deeplearning-platform-release": {
        "common-cu129-ubuntu-2204-nvidia-580": 50,
        "common-cu129-ubuntu-2404-nvidia-580": 50,
        "pytorch-2-9-cu129-ubuntu-2204-nvidia-580": 50,
        "pytorch-2-9-cu129-ubuntu-2404-nvidia-580": 50,
    },
}
"""Project → image family → size in GB. Families of other projects are assumed to exist."""


def region_zones(region: str) -> list[str]:
    return [zone for zone in ZONES if zone.startswith(f"{region}-")]


def image_size(project: str, family: str) -> int | None:
    """The size of an image in GB; None if a known project has no such family."""
    families = IMAGES.get(project)
    return UNKNOWN_IMAGE_GB if families is None else families.get(family)
