"""The catalog: what is on offer, what goes together, and what the project has of it."""

from app.services.catalog.offers import BOOT_DISK_GB, HOURS_A_MONTH, Catalog, MachineType, Preset

__all__ = ["BOOT_DISK_GB", "HOURS_A_MONTH", "Catalog", "MachineType", "Preset"]
