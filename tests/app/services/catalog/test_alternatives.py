"""Which placements a request may try, in which order, and what the most expensive one costs."""

from decimal import Decimal
from typing import Any

import pytest

from app.models.placement import Placement
from app.services.catalog import Catalog, Disks, alternatives
from tests.parts import make_settings

CATALOG = Catalog.load(make_settings().catalog_file)
FIRST = Placement("europe-west4-b", "g2-standard-4", spot=True)


def places(**fields: Any) -> list[str]:
    return [str(each) for each in alternatives.of(FIRST, CATALOG, **fields)]


def test_by_default_the_zones_of_the_region_follow_the_chosen_one() -> None:
    assert places() == [f"g2-standard-4 in europe-west4-{zone} as Spot" for zone in "bac"]


@pytest.mark.parametrize(("others", "number"), [("none", 1), ("region", 3)])
def test_every_price_and_type_is_tried_in_each_zone(others: str, number: int) -> None:
    found = places(other_zones=others, other_pricing=True, second_machine_type="e2-standard-8")
    kinds = [(each.split(" ")[0], each.endswith("Spot")) for each in found[::number]]

    assert len(found) == len(set(found)) == 4 * number
    assert kinds == [(name, spot) for name in ("g2-standard-4", "e2-standard-8") for spot in (True, False)]


def test_other_regions_come_last() -> None:
    zones = [each.split(" ")[2] for each in places(other_zones="all")]

    assert zones[:3] == ["europe-west4-b", "europe-west4-a", "europe-west4-c"]
    assert zones[3:]
    assert not any(zone.startswith("europe-west4") for zone in zones[3:])


def test_what_is_sold_as_spot_only_is_never_tried_on_demand() -> None:
    spot_only = next(offer for offer in CATALOG.machine_types if offer.spot_only and offer.zones)
    first = Placement(spot_only.zones[0], spot_only.name, spot=True)
    found = alternatives.of(first, CATALOG, other_pricing=True)

    assert found
    assert all(each.spot for each in found)


def test_the_price_that_is_shown_covers_the_most_expensive_one() -> None:
    found = alternatives.of(FIRST, CATALOG, other_pricing=True, second_machine_type="g2-standard-8")
    disks = Disks(100, "pd-balanced", 50)
    on_demand = CATALOG.price_per_hour("g2-standard-8", "europe-west4-a", disks, spot=False)

    assert alternatives.highest_price(found, disks, CATALOG) == on_demand
    assert isinstance(on_demand, Decimal)
