"""Workstations with what they are in the catalog, and what they cost."""

from dataclasses import dataclass
from decimal import Decimal

from app.models import Workstation
from app.services.catalog import Catalog, MachineType
from app.services.workstations import existing, specs
from app.services.workstations.existing import Existing


@dataclass(frozen=True)
class Offer:
    """A workstation with its entry in the catalog. Prices are US dollars an hour, None if unknown."""

    workstation: Workstation
    machine: MachineType | None
    image: str
    price: Decimal | None
    disk_price: Decimal | None
    exists: Existing | None = None
    """What exists of it if it may be incomplete; None if it is complete."""


def offer_of(workstation: Workstation, catalog: Catalog, exists: Existing | None = None) -> Offer:
    """The workstation with its prices as they are now.

    :param exists: what exists of one that may be incomplete.
    """
    disks = specs.disks(workstation)
    return Offer(
        workstation=workstation,
        machine=catalog.machine_type(workstation.machine_type),
        image=next((image.label for image in catalog.images if image.name == workstation.image), workstation.image),
        price=existing.price_per_hour(workstation, catalog, exists),
        exists=exists,
        disk_price=catalog.disk_price_per_hour(workstation.zone, disks.data_gb, disks.data_type),
    )
