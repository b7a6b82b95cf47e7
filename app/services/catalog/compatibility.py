"""What goes together at Google: machine type, zone, GPU, disk type, image and Spot, each with a sentence where not.

Source of the rules: Google's pages on machine families, disks and GPUs; which machine takes what is the catalog's.
"""

from collections.abc import Sequence

from app.services.catalog.offers import Catalog, MachineType


def zone_problem(zone: str, machine_type: MachineType | None, catalog: Catalog) -> str | None:
    """Where the machine type is to be had instead."""
    if zone not in catalog.zones:
        return "That zone is not on offer."
    if machine_type is None or zone in machine_type.zones:
        return None
    if not machine_type.zones:
        return f"{machine_type.name} is in none of the zones on offer."
    return f"{machine_type.name} is not in {zone}; it is in {listed(machine_type.zones)}."


def accelerator_problem(accelerator: str | None, machine_type: MachineType | None) -> str | None:
    """A GPU is added to some machine types; the others have theirs built in, or take none."""
    if machine_type is None or accelerator in {None, machine_type.accelerator}:
        return None
    if machine_type.accelerator:
        return f"{machine_type.name} comes with {machine_type.accelerator}."
    if machine_type.gpu:
        return f"{machine_type.name} has its {machine_type.gpu} built in: leave the accelerator out."
    return f"{machine_type.name} takes no GPU."


def disk_type_problem(disk_type: str | None, machine_type: MachineType | None, catalog: Catalog) -> str | None:
    """Newer machine types take Hyperdisk only, older ones Persistent Disk only."""
    if disk_type is None:
        return None
    offer = catalog.disk_type(disk_type)
    if offer is None:
        return "That disk type is not on offer."
    if machine_type is None or disk_type in machine_type.disk_types:
        return None
    taken = [other.label for other in catalog.disk_types if other.name in machine_type.disk_types]
    where = f" (it is in {listed(machine_type.zones)})" if machine_type.zones else ""
    return f"{machine_type.name}{where} takes no disk of type {offer.label}: choose {listed(taken, 'or')}."


def image_problem(image: str | None, machine_type: MachineType | None, catalog: Catalog) -> str | None:
    """A GPU wants its driver."""
    if image is None or machine_type is None:
        return None
    offer = next((offer for offer in catalog.images if offer.name == image), None)
    if offer is None:
        return "That image is not on offer."
    if machine_type.gpu and not offer.gpu:
        return "That image has no GPU driver: choose one that has."
    return None


def spot_problem(spot: bool, machine_type: MachineType | None) -> str | None:
    """Some machine types are not sold on demand."""
    if machine_type is None or spot or not machine_type.spot_only:
        return None
    return f"Google has {machine_type.name} as Spot only: tick it, or choose another machine."


def listed(words: Sequence[str], last: str = "and") -> str:
    """a, b and c."""
    return f" {last} ".join(part for part in (", ".join(words[:-1]), words[-1] if words else "") if part)
