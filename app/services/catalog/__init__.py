"""The catalog: machine types, images and disks on offer, which of them go together, and which the project has."""

from app.services.catalog.offers import BOOT_DISK_GB, HOURS_A_MONTH, Catalog, Disks, MachineType, Preset

__all__ = ["BOOT_DISK_GB", "HOURS_A_MONTH", "Catalog", "Disks", "MachineType", "Preset"]
