"""The machine types in a form, with price, zones and quota for the current choices."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from app.infra.zones import region_of
from app.services.catalog import BOOT_DISK_GB, Catalog, Disks, MachineType, Preset
from app.services.catalog.availability import Availability


@dataclass(frozen=True)
class MachineOffer:
    """A machine type in the chosen zone. Prices are US dollars per hour, None if unknown or not available there."""

    machine: MachineType
    price: Decimal | None
    """The price with disks and address."""
    price_alone: Decimal | None
    """The price without disks and address."""
    spot_saves: Decimal | None
    in_zone: bool
    quota: int | None
    """How many of them the quotas allow; None if unknown."""


@dataclass(frozen=True)
class PresetOffer:
    """A link that fills the form with a preset."""

    label: str
    machine: MachineType
    price: Decimal | None
    """US dollars per hour with disks and address; None if unknown."""
    href: str
    is_chosen: bool


Groups = list[tuple[str, list[MachineOffer]]]
Sizes = tuple[int | None, int | None]
"""The sizes of the data disk and the boot disk in GB; None for text that is not a size."""


def groups(form: Mapping[str, Any], sizes: Sizes, catalog: Catalog, availability: Availability) -> Groups:
    """The machine types by group, with prices for the current choices."""
    found: dict[str, list[MachineOffer]] = {}
    for machine in catalog.machine_types:
        found.setdefault(machine.group, []).append(_offer(machine, form, sizes, catalog, availability))
    return list(found.items())


def chosen(listed: Groups, form: Mapping[str, Any]) -> MachineOffer | None:
    """The machine type that is chosen in the form."""
    offers = (offer for _, group in listed for offer in group)
    return next((offer for offer in offers if offer.machine.name == form["machine_type"]), None)


def presets(form: Mapping[str, Any], catalog: Catalog) -> list[PresetOffer]:
    """The presets, with the chosen zone if it has the machine type."""
    found = []
    for preset in catalog.presets:
        machine = catalog.machine_type(preset.machine_type)
        if machine and machine.zones:
            found.append(_preset(preset, machine, form, catalog))
    return found


def _preset(preset: Preset, machine: MachineType, form: Mapping[str, Any], catalog: Catalog) -> PresetOffer:
    nearby = [zone for zone in machine.zones if region_of(zone) == region_of(form["zone"])]
    zone = form["zone"] if form["zone"] in machine.zones else (nearby or machine.zones)[0]
    filled = {"machine_type": machine.name, "disk_size_gb": preset.disk_size_gb, "zone": zone, "name": form["name"]}
    spot = bool(form["spot"] or machine.spot_only)
    if spot:
        filled["spot"] = "yes"
    disks = Disks(preset.disk_size_gb, machine.disk_types[0], BOOT_DISK_GB)
    is_chosen = machine.name == form["machine_type"] and str(preset.disk_size_gb) == form["disk_size_gb"]
    return PresetOffer(
        label=preset.label,
        machine=machine,
        price=catalog.price_per_hour(machine.name, zone, disks, spot=spot),
        href=f"/workstations/new?{urlencode(filled)}",
        is_chosen=is_chosen,
    )


def _offer(
    machine: MachineType, form: Mapping[str, Any], sizes: Sizes, catalog: Catalog, availability: Availability
) -> MachineOffer:
    zone, spot = form["zone"], form["spot"] or machine.spot_only
    in_zone = zone in machine.zones
    disk_type, (data_gb, boot_gb) = form["disk_type"] or machine.disk_types[0], sizes
    disks = Disks(data_gb, disk_type, boot_gb) if in_zone and data_gb and boot_gb else None
    price = catalog.price_per_hour(machine.name, zone, disks, spot=spot) if disks else None
    on_demand, as_spot = (machine.usd_an_hour(zone, spot=each) for each in (False, True))
    return MachineOffer(
        machine=machine,
        price=price,
        price_alone=machine.usd_an_hour(zone, spot=spot) if in_zone else None,
        spot_saves=on_demand - as_spot if in_zone and on_demand is not None and as_spot is not None else None,
        in_zone=in_zone,
        quota=availability.quota_for(machine, zone, spot=spot),
    )
