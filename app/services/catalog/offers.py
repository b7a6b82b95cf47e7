"""The catalog's machine types, images and disks with their prices, read from a dated file that the operator can
replace."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.errors import ConfigurationError
from app.infra.zones import region_of

HOURS_A_MONTH = 730
"""The number of hours in Google's billing month."""
BOOT_DISK_GB = 50
"""Unless another size is asked for; every image in the catalog fits into it."""
BOOT_DISK_TYPE = "pd-balanced"
"""The type of boot disk, if the machine type supports it. terraform/modules/compute chooses the same."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Offer(_Part):
    name: str


class MachineType(_Offer):
    """A machine type. `accelerator` is set only if the GPU is attached (N1), not if it is part of the type (G2)."""

    vcpus: int
    memory_gb: int
    gpu: str | None = None
    gpu_count: int = 0
    gpu_memory_gb: int | None = None
    """Memory of one GPU."""
    gpu_quota: str | None = None
    """Google's regional quota metric for this GPU, which has the prefix PREEMPTIBLE_ for Spot. None if unknown."""
    accelerator: str | None = None
    spot_only: bool = False
    """Whether Google sells it only as Spot."""
    disk_types: tuple[str, ...] = Field(min_length=1)
    """The types of data disk that it supports, the default first."""
    zones: tuple[str, ...]
    usd_per_hour: dict[str, tuple[Decimal, Decimal]]
    """Region → hourly price on demand and as Spot, GPU included. Without an entry, the price is unknown."""

    @property
    def label(self) -> str:
        """The description for people: "8 vCPU, 32 GB, 1 × NVIDIA L4"."""
        gpu = f", {self.gpu_count} × {self.gpu}" if self.gpu else ""
        return f"{self.vcpus} vCPU, {self.memory_gb} GB{gpu}"

    @property
    def size(self) -> str:
        """The description without the GPU's name, for a list grouped by GPU: "24 vCPU, 96 GB, 2 GPUs"."""
        gpus = f", {self.gpu_count} GPUs" if self.gpu_count > 1 else ""
        return f"{self.vcpus} vCPU, {self.memory_gb} GB{gpus}"

    @property
    def group(self) -> str:
        """The group in lists: "CPU", or the GPU with its memory."""
        memory = f", {self.gpu_memory_gb} GB" if self.gpu_memory_gb else ""
        return f"{self.gpu}{memory}" if self.gpu else "CPU"

    @property
    def boot_disk_type(self) -> str:
        """The type of the boot disk."""
        return BOOT_DISK_TYPE if BOOT_DISK_TYPE in self.disk_types else self.disk_types[0]

    def usd_an_hour(self, zone: str, *, spot: bool) -> Decimal | None:
        """US dollars per hour of the machine without disks; None if unknown."""
        prices = self.usd_per_hour.get(region_of(zone))
        return prices[spot] if prices else None


class Image(_Offer):
    """A family of boot images, as "project/family"."""

    label: str
    gpu: bool
    """Whether the image contains NVIDIA's driver."""


class DiskType(_Offer):
    """A type of data disk."""

    label: str
    usd_per_gb_month: dict[str, Decimal]
    """Region → price. Without an entry, the price is unknown."""


@dataclass(frozen=True)
class Disks:
    """The disks of one machine. What it boots from is of a type that follows from the machine type."""

    data_gb: int
    data_type: str
    boot_gb: int
    opened_gb: int = 0
    """Of a snapshot that is open. Its disk is of the data disk's type."""


class Preset(_Part):
    """A preset that fills the form."""

    label: str
    machine_type: str
    disk_size_gb: int


class Catalog(_Part):
    """Everything on offer, with prices in US dollars on a date. They are estimates: Google's bill is what counts.

    docs/catalog.md describes the file.
    """

    as_of: date
    zones: tuple[str, ...]
    presets: tuple[Preset, ...] = ()
    machine_types: tuple[MachineType, ...]
    images: tuple[Image, ...]
    disk_types: tuple[DiskType, ...]
    address_usd_per_hour: dict[str, Decimal]
    snapshot_usd_per_gb_month: dict[str, Decimal] = {}
    """Region → price of what is stored of a snapshot. Without an entry, the price is unknown."""

    @classmethod
    def load(cls, path: Path) -> "Catalog":
        """Read a catalog file. Raises ConfigurationError with the file and the error in it."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise ConfigurationError(f"The catalog {path} cannot be used: {error}") from error

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if {image.gpu for image in self.images} != {True, False}:
            raise ValueError("images: at least one with the GPU driver and one without it are required")
        names, disk_types = self._machine_types, {offer.name for offer in self.disk_types}
        for preset in self.presets:
            if preset.machine_type not in names:
                raise ValueError(f"the preset {preset.label} uses {preset.machine_type}, which is not in the catalog")
        for offer in self.machine_types:
            if unknown := {*offer.zones} - {*self.zones} | {*offer.disk_types} - disk_types:
                raise ValueError(f"{offer.name} uses {', '.join(sorted(unknown))}, which is not in the catalog")
        return self

    @cached_property
    def _machine_types(self) -> dict[str, MachineType]:
        return {offer.name: offer for offer in self.machine_types}

    def machine_type(self, name: str) -> MachineType | None:
        """The machine type with this name, if there is one."""
        return self._machine_types.get(name)

    def default_image(self, machine_type: MachineType) -> Image:
        """The first image for the machine type: with the GPU driver if it has a GPU."""
        return next(image for image in self.images if image.gpu == bool(machine_type.gpu))

    def disk_type(self, name: str) -> DiskType | None:
        """The disk type with this name, if there is one."""
        return next((offer for offer in self.disk_types if offer.name == name), None)

    def price_per_hour(
        self, machine_type: str, zone: str, disks: "Disks", *, spot: bool, is_off: bool = False
    ) -> Decimal | None:
        """US dollars per hour of a machine with its disks and address; None if a price is unknown."""
        # A stopped machine is billed for its disks and address only.
        machine = self.machine_type(machine_type)
        if machine is None:
            return None
        parts = (
            Decimal() if is_off else machine.usd_an_hour(zone, spot=spot),
            self.disk_price_per_hour(zone, disks.data_gb + disks.opened_gb, disks.data_type),
            self.disk_price_per_hour(zone, disks.boot_gb, machine.boot_disk_type),
            self.address_usd_per_hour.get(region_of(zone)),
        )
        known = [part for part in parts if part is not None]
        return sum(known, Decimal()) if len(known) == len(parts) else None

    def snapshot_price_per_month(self, region: str, gigabytes: Decimal) -> Decimal | None:
        """US dollars per month of a snapshot that takes so much; None if the price is unknown."""
        price = self.snapshot_usd_per_gb_month.get(region)
        return None if price is None else price * gigabytes

    def disk_price_per_hour(self, zone: str, disk_size_gb: int, disk_type: str) -> Decimal | None:
        """US dollars per hour of a disk, whether its machine runs or not."""
        offer = self.disk_type(disk_type)
        price = offer.usd_per_gb_month.get(region_of(zone)) if offer else None
        return None if price is None else price * disk_size_gb / HOURS_A_MONTH
