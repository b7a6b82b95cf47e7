"""What is on offer, with prices: dated data from a file that the operator can replace."""

from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from app.errors import ConfigurationError

HOURS_A_MONTH = 730
"""The hours Google bills a month as."""
BOOT_DISK_GB = 50
BOOT_DISK_TYPE = "pd-balanced"


class _Offer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str


class MachineType(_Offer):
    """One machine type; `accelerator` is set only where the GPU is a block of its own (N1), not built in (G2)."""

    vcpus: int
    memory_gb: int
    gpu: str | None = None
    gpu_count: int = 0
    accelerator: str | None = None
    zones: tuple[str, ...]
    usd_per_hour: dict[str, tuple[Decimal, Decimal]]
    """Region → price on demand and as Spot, GPU included."""

    @property
    def label(self) -> str:
        """As a person reads it: "8 vCPU, 32 GB, 1 × NVIDIA L4"."""
        gpu = f", {self.gpu_count} × {self.gpu}" if self.gpu else ""
        return f"{self.vcpus} vCPU, {self.memory_gb} GB{gpu}"


class Image(_Offer):
    """A boot image family, as "project/family"."""

    label: str
    gpu: bool
    """Whether NVIDIA's driver is in it."""


class DiskType(_Offer):
    """A persistent disk type."""

    label: str
    usd_per_gb_month: dict[str, Decimal]


class Catalog(BaseModel):
    """Everything on offer, with prices in US dollars as of a date: estimates, since Google's bill is the truth."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: date
    zones: tuple[str, ...]
    machine_types: tuple[MachineType, ...]
    images: tuple[Image, ...]
    disk_types: tuple[DiskType, ...]
    address_usd_per_hour: dict[str, Decimal]

    @classmethod
    def load(cls, path: Path) -> "Catalog":
        """Read a catalog file; raises ConfigurationError naming the file and what is wrong with it."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise ConfigurationError(f"The catalog {path} cannot be used: {error}") from error

    @cached_property
    def _machine_types(self) -> dict[str, MachineType]:
        return {offer.name: offer for offer in self.machine_types}

    def machine_type(self, name: str) -> MachineType | None:
        """The machine type of that name."""
        return self._machine_types.get(name)

    def default_image(self, machine_type: MachineType) -> Image:
        """The first image that fits: with the driver for a GPU, plain otherwise."""
        return next(image for image in self.images if image.gpu == bool(machine_type.gpu))

    def price_per_hour(
        self, machine_type: str, zone: str, disk_size_gb: int, disk_type: str, *, spot: bool
    ) -> Decimal | None:
        """US dollars an hour of a running machine with its disks and address; None where a price is not known."""
        region = zone.rpartition("-")[0]
        machine = self.machine_type(machine_type)
        disk = self.disk_price_per_hour(zone, disk_size_gb, disk_type)
        boot_disk = self.disk_price_per_hour(zone, BOOT_DISK_GB, BOOT_DISK_TYPE)
        address = self.address_usd_per_hour.get(region)
        if (
            machine is None
            or region not in machine.usd_per_hour
            or disk is None
            or boot_disk is None
            or address is None
        ):
            return None
        return machine.usd_per_hour[region][spot] + disk + boot_disk + address

    def disk_price_per_hour(self, zone: str, disk_size_gb: int, disk_type: str) -> Decimal | None:
        """US dollars an hour of a data disk, whether its machine runs or not."""
        offer = next((offer for offer in self.disk_types if offer.name == disk_type), None)
        price = offer.usd_per_gb_month.get(zone.rpartition("-")[0]) if offer else None
        return None if price is None else price * disk_size_gb / HOURS_A_MONTH
