"""Reads which parts of the catalog are available in the Google project. Nothing is changed."""

from app.infra.google import Compute
from app.infra.zones import region_of
from app.services.catalog import Catalog
from app.services.catalog.availability import EVERYWHERE, Availability, needs


async def take_inventory(compute: Compute, catalog: Catalog) -> Availability:
    """The availability, zone by zone. Raises the errors of Google's clients (errors.GOOGLE_ERRORS)."""
    zones = await compute.zones()
    absent = {zone: await _absent(compute, catalog, zone, is_there=zone in zones) for zone in catalog.zones}
    quotas: dict[str, dict[str, float]] = {}
    for region in sorted({region_of(zone) for zone in catalog.zones if zone in zones}):
        desired = {
            metric
            for offer in catalog.machine_types
            for spot in (False, True)
            for _, metric, _ in needs(offer, region, spot=spot)
        }
        for quota in await compute.quotas(region):
            if quota.metric in desired:
                quotas.setdefault(quota.region or EVERYWHERE, {})[quota.metric] = quota.limit
    return Availability(absent=absent, quotas=quotas)


async def _absent(compute: Compute, catalog: Catalog, zone: str, *, is_there: bool) -> tuple[str, ...]:
    """Machine types of the catalog that the zone does not have. A type with an attached GPU needs both."""
    found = await compute.machine_types(zone) | await compute.accelerator_types(zone) if is_there else frozenset[str]()
    return tuple(
        offer.name
        for offer in catalog.machine_types
        if zone in offer.zones and not {offer.name, offer.accelerator or offer.name} <= found
    )
