"""What the form says of capacity: what was seen of it, and what the alternatives may cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, get_args

from app.models import ZoneCapacity
from app.models.placement import Placement
from app.services.catalog import Disks, MachineType, alternatives, zone_capacities
from app.services.catalog.alternatives import OtherZones
from app.services.context import Context
from app.views.machine_offers import MachineOffer, Sizes

WAIT_OPTIONS = (
    ("0", "It fails"),
    *((str(hours), f"Wait for up to {hours} hours") for hours in (4, 12, 24, 48)),
    ("168", "Wait for up to a week"),
)
ZONE_OPTIONS = (("region", "Other zones of the region"), ("all", "All zones"), ("none", "No other zone"))


@dataclass(frozen=True)
class CapacityOffer:
    """What is known of capacity for the machine that is chosen."""

    what: str
    """What is scarce: the GPU, or the machine type."""
    seen: list[ZoneCapacity]
    """The newest sighting in each zone."""
    second_options: list[tuple[str, str]]
    """The machine types that can be the second choice, by name."""
    highest_price: Decimal | None
    """US dollars per hour of the most expensive alternative; None if unknown, or nothing costs more."""
    zone_options: tuple[tuple[str, str], ...] = ZONE_OPTIONS
    wait_options: tuple[tuple[str, str], ...] = WAIT_OPTIONS


async def of(ctx: Context, chosen: MachineOffer | None, form: Mapping[str, Any], sizes: Sizes) -> CapacityOffer | None:
    """The offer for the form's choices; None if they name no machine type."""
    if chosen is None:
        return None
    machine, spot = chosen.machine, bool(form["spot"] or chosen.machine.spot_only)
    newest: dict[str, ZoneCapacity] = {}
    for each in await zone_capacities.of(ctx.session, ctx.catalog, ctx.now, machine.name, spot=spot):
        newest.setdefault(each.zone, each)
    others = [offer for offer in ctx.catalog.machine_types if offer is not machine and _fits(offer, machine, form)]
    return CapacityOffer(
        what=f"{machine.gpu_count} × {machine.gpu}" if machine.gpu else machine.name,
        seen=list(newest.values()),
        second_options=[("", "None"), *((offer.name, f"{offer.name} ({offer.label})") for offer in others)],
        highest_price=_highest_price(ctx, chosen, form, sizes),
    )


def _fits(offer: MachineType, first: MachineType, form: Mapping[str, Any]) -> bool:
    return (form["disk_type"] or first.disk_types[0]) in offer.disk_types and bool(offer.zones)


def _highest_price(ctx: Context, chosen: MachineOffer, form: Mapping[str, Any], sizes: Sizes) -> Decimal | None:
    data_gb, boot_gb = sizes
    if chosen.price is None or not data_gb or not boot_gb or form["other_zones"] not in get_args(OtherZones):
        return None
    spot = bool(form["spot"] or chosen.machine.spot_only)
    placements = alternatives.of(
        Placement(form["zone"], chosen.machine.name, spot),
        ctx.catalog,
        other_zones=form["other_zones"],
        other_pricing=form["other_pricing"],
        second_machine_type=form["second_machine_type"],
    )
    disks = Disks(data_gb, form["disk_type"] or chosen.machine.disk_types[0], boot_gb)
    highest = alternatives.highest_price(placements, disks, ctx.catalog)
    return highest if highest is not None and highest > chosen.price else None
