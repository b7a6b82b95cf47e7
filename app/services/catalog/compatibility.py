"""Rules about which machine types, zones, GPUs, disk types and images go together. A sentence explains each conflict.

Source of the rules: Google's pages on machine families, disks and GPUs. The catalog has what each machine type
supports.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from app.services.catalog.offers import Catalog, MachineType


def zone_problem(zone: str, machine_type: MachineType | None, catalog: Catalog) -> str | None:
    """Why the machine type cannot be used in this zone; None if it can."""
    if zone not in catalog.zones:
        return "This zone is not available."
    if machine_type is None or zone in machine_type.zones:
        return None
    if not machine_type.zones:
        return f"{machine_type.name} is not available in any zone."
    return f"{machine_type.name} is not available in {zone}. Available in {listed(machine_type.zones)}."


def accelerator_problem(accelerator: str | None, machine_type: MachineType | None) -> str | None:
    """Why the machine type cannot have this GPU attached; None if it can."""
    if machine_type is None or accelerator in {None, machine_type.accelerator}:
        return None
    if machine_type.accelerator:
        return f"{machine_type.name} comes with {machine_type.accelerator}."
    if machine_type.gpu:
        return f"{machine_type.name} has a built-in {machine_type.gpu}: do not set an accelerator."
    return f"{machine_type.name} does not support GPUs."


def disk_type_problem(disk_type: str | None, machine_type: MachineType | None, catalog: Catalog) -> str | None:
    """Why the machine type cannot use this type of data disk; None if it can."""
    if disk_type is None:
        return None
    offer = catalog.disk_type(disk_type)
    if offer is None:
        return "This disk type is not available."
    if machine_type is None or disk_type in machine_type.disk_types:
        return None
    supported = [other.label for other in catalog.disk_types if other.name in machine_type.disk_types]
    where = f" (available in {listed(machine_type.zones)})" if machine_type.zones else ""
    return f"{machine_type.name}{where} does not support {offer.label} disks. Choose {listed(supported, 'or')}."


def image_problem(image: str | None, machine_type: MachineType | None, catalog: Catalog) -> str | None:
    """Why the machine type cannot use this image; None if it can."""
    if image is None or machine_type is None:
        return None
    offer = next((offer for offer in catalog.images if offer.name == image), None)
    if offer is None:
        return "This image is not available."
    if machine_type.gpu and not offer.gpu:
        return "This image has no GPU driver. Choose an image with a GPU driver."
    return None


def spot_problem(spot: bool, machine_type: MachineType | None) -> str | None:
    """Why the machine type cannot be used without Spot; None if it can."""
    if machine_type is None or spot or not machine_type.spot_only:
        return None
    return f"{machine_type.name} is only available as Spot. Select Spot, or choose another machine type."


def move_problems(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, str]:
    """Why the data disk cannot become so while it is moved by a snapshot."""
    problems = {}
    if after["disk_size_gb"] < before["disk_size_gb"]:
        problems["disk_size_gb"] = "A disk cannot be reduced while it moves to another zone."
    if after["disk_type"] != before["disk_type"]:
        problems["disk_type"] = "The disk type cannot change while the disk moves to another zone."
    return problems


def listed(words: Sequence[str], last: str = "and") -> str:
    """The words as "a, b and c"."""
    return f" {last} ".join(part for part in (", ".join(words[:-1]), words[-1] if words else "") if part)
