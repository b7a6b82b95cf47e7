"""The placements that a request for a machine may try, in order."""

from decimal import Decimal
from typing import Literal

from app.infra.zones import region_of
from app.models.placement import Placement
from app.services.catalog.offers import Catalog, Disks, MachineType

OtherZones = Literal["none", "region", "all"]


def of(
    first: Placement,
    catalog: Catalog,
    *,
    other_zones: OtherZones = "region",
    other_pricing: bool = False,
    second_machine_type: str | None = None,
) -> list[Placement]:
    """The placements: all zones of the first choice, then with the other price, then of the second machine type."""
    names = [first.machine_type, *([second_machine_type] if second_machine_type else [])]
    types = [offer for name in dict.fromkeys(names) if (offer := catalog.machine_type(name))]
    pricing = [first.spot, not first.spot] if other_pricing else [first.spot]
    return [
        Placement(zone, offer.name, spot)
        for offer in types
        for spot in pricing
        if spot or not offer.spot_only
        for zone in _zones(offer, first.zone, other_zones)
    ]


def _zones(offer: MachineType, first: str, others: OtherZones) -> list[str]:
    # From the nearest to the farthest.
    ranks = {zone: (zone != first) + (region_of(zone) != region_of(first)) for zone in offer.zones}
    farthest = {"none": 0, "region": 1, "all": 2}[others]
    return [zone for zone in sorted(ranks, key=lambda zone: ranks[zone]) if ranks[zone] <= farthest]


def highest_price(placements: list[Placement], disks: Disks, catalog: Catalog) -> Decimal | None:
    """US dollars per hour of the most expensive one; None if a price is unknown."""
    prices = [catalog.price_per_hour(each.machine_type, each.zone, disks, spot=each.spot) for each in placements]
    known = [price for price in prices if price is not None]
    return max(known, default=None) if len(known) == len(prices) else None
