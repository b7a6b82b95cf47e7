"""Workstations with what they are in the catalog, and what they cost."""

from dataclasses import dataclass
from decimal import Decimal

from app.models import Workstation
from app.services.catalog import Catalog, MachineType
from app.services.workstations import specs


@dataclass(frozen=True)
class Offer:
    """A workstation with its entry in the catalog. Prices are US dollars an hour, None if unknown."""

    workstation: Workstation
    machine: MachineType | None
    image: str
    price: Decimal | None
    disk_price: Decimal | None


def offer_of(workstation: Workstation, catalog: Catalog) -> Offer:
    """The workstation with its prices as they are now."""
    zone, disks, is_off = workstation.zone, specs.disks(workstation), workstation.costs_no_machine
    return Offer(
        workstation=workstation,
        machine=catalog.machine_type(workstation.machine_type),
        image=next((image.label for image in catalog.images if image.name == workstation.image), workstation.image),
        price=catalog.price_per_hour(workstation.machine_type, zone, disks, spot=workstation.spot, is_off=is_off),
        disk_price=catalog.disk_price_per_hour(zone, disks.data_gb, disks.data_type),
    )
