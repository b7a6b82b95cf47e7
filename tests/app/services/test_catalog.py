"""The catalog: prices add up, what has no price is said to have none, and a broken file is named."""

from decimal import Decimal
from pathlib import Path

import pytest

from app.config import REPOSITORY
from app.errors import ConfigurationError
from app.services.catalog import HOURS_A_MONTH, Catalog, MachineType

CATALOG = Catalog.load(REPOSITORY / "app" / "catalog.json")


@pytest.mark.parametrize("offer", CATALOG.machine_types, ids=lambda offer: offer.name)
def test_every_offer_has_an_image_and_a_price_in_each_of_its_zones(offer: MachineType) -> None:
    assert CATALOG.machine_type(offer.name) is offer
    assert CATALOG.default_image(offer).gpu == bool(offer.gpu)
    for zone in offer.zones:
        on_demand = CATALOG.price_per_hour(offer.name, zone, 100, "pd-balanced", spot=False)
        spot = CATALOG.price_per_hour(offer.name, zone, 100, "pd-balanced", spot=True)
        assert on_demand is not None
        assert spot is not None
        assert 0 < spot < on_demand


def test_a_disk_costs_its_size_by_the_month() -> None:
    zone = CATALOG.zones[0]
    by_month = next(offer for offer in CATALOG.disk_types if offer.name == "pd-balanced").usd_per_gb_month
    price = CATALOG.disk_price_per_hour(zone, 730, "pd-balanced")
    assert price is not None
    assert price == by_month[zone.rpartition("-")[0]] * 730 / HOURS_A_MONTH
    larger = CATALOG.price_per_hour("e2-standard-4", zone, 830, "pd-balanced", spot=False)
    smaller = CATALOG.price_per_hour("e2-standard-4", zone, 100, "pd-balanced", spot=False)
    assert larger is not None
    assert smaller is not None
    assert abs(larger - smaller - price) < Decimal("1e-9")


@pytest.mark.parametrize(
    ("machine_type", "zone", "disk_type"),
    [
        ("m9-huge", "europe-west4-a", "pd-balanced"),
        ("e2-standard-4", "mars-north1-a", "pd-balanced"),
        ("e2-standard-4", "europe-west4-a", "pd-tape"),
    ],
)
def test_what_is_not_known_has_no_price(machine_type: str, zone: str, disk_type: str) -> None:
    assert CATALOG.price_per_hour(machine_type, zone, 100, disk_type, spot=False) is None


@pytest.mark.parametrize("content", [None, "", "{}", '{"as_of": "yesterday"}'])
def test_a_catalog_that_cannot_be_used_is_named(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "mine.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigurationError, match=r"mine\.json"):
        Catalog.load(file)
