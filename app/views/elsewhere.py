"""Where else to create a machine for which Google has no capacity in its zone."""

from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlencode

from app.infra import hints
from app.infra.zones import region_of
from app.models import Run, RunKind, Workstation
from app.services.catalog import Catalog
from app.services.workstations import specs

MOST = 3


@dataclass(frozen=True)
class Elsewhere:
    """Another zone, with a link to the form of a new workstation with the same settings."""

    zone: str
    is_suggested: bool
    """Whether Google says that it has capacity there."""
    price: Decimal | None
    """US dollars per hour; None if unknown."""
    href: str


def of(run: Run | None, workstation: Workstation, catalog: Catalog) -> list[Elsewhere]:
    """Other zones with the machine type: those that Google suggests, then those of the same region.

    Empty unless the run failed to create the machine for want of capacity. A data disk that has files stays in its
    zone, so that a machine that ran before is not offered elsewhere.
    """
    suggested = hints.zones_elsewhere(run.error) if run and run.kind is RunKind.PROVISION and run.error else None
    machine = catalog.machine_type(workstation.machine_type)
    has_files = workstation.destroyed_at or workstation.adopted_disk
    if suggested is None or machine is None or has_files or not workstation.has_failed:
        return []
    region = region_of(workstation.zone)
    tried = {each.placement.zone for each in run.tried} if run else set()
    others = [zone for zone in machine.zones if zone not in {workstation.zone, *tried}]
    others.sort(key=lambda zone: (zone not in suggested, region_of(zone) != region))
    return [_in_zone(zone, zone in suggested, workstation, catalog) for zone in others[:MOST]]


def _in_zone(zone: str, is_suggested: bool, workstation: Workstation, catalog: Catalog) -> Elsewhere:
    names = ("machine_type", "image", "snapshot", "boot_disk_size_gb", "disk_size_gb", "disk_type")
    same = {name: value for name in names if (value := getattr(workstation, name))}
    spot = {"spot": "yes"} if workstation.spot else {}
    return Elsewhere(
        zone=zone,
        is_suggested=is_suggested,
        price=catalog.price_per_hour(workstation.machine_type, zone, specs.disks(workstation), spot=workstation.spot),
        href=f"/workstations/new?{urlencode({**same, **spot, 'zone': zone})}",
    )
