"""The catalog: prices add up, what has no price is said to have none, and a broken file is named."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.config import REPOSITORY
from app.errors import ConfigurationError
from app.services.catalog import HOURS_A_MONTH, Catalog, Disks, MachineType

CATALOG = Catalog.load(REPOSITORY / "app" / "catalog.json")


@pytest.mark.parametrize("offer", CATALOG.machine_types, ids=lambda offer: offer.name)
def test_every_offer_has_an_image_and_a_price_in_each_of_its_zones(offer: MachineType) -> None:
    assert CATALOG.machine_type(offer.name) is offer
    assert CATALOG.default_image(offer).gpu == bool(offer.gpu)
    assert offer.boot_disk_type in offer.disk_types
    for zone in offer.zones:
        on_demand, spot = (offer.usd_an_hour(zone, spot=spot) for spot in (False, True))
        assert on_demand is not None
        assert spot is not None
        assert 0 < spot < on_demand


def test_the_boot_disk_is_of_the_type_that_terraform_takes() -> None:
    """terraform/modules/compute: the fourth generation takes Hyperdisk only."""
    for offer in CATALOG.machine_types:
        is_fourth = re.match("[a-z]+4", offer.name)
        assert offer.boot_disk_type == ("hyperdisk-balanced" if is_fourth else "pd-balanced")


def test_a_machine_whose_disks_have_no_price_has_one_of_its_own() -> None:
    zone = "us-central1-b"
    machine = CATALOG.machine_type("g4-standard-48")
    assert machine
    assert CATALOG.price_per_hour(machine.name, zone, Disks(100, machine.disk_types[0], 50), spot=False) is None
    assert machine.usd_an_hour(zone, spot=False) == Decimal("4.4999")


def test_a_disk_costs_its_size_by_the_month() -> None:
    zone = CATALOG.zones[0]
    by_month = next(offer for offer in CATALOG.disk_types if offer.name == "pd-balanced").usd_per_gb_month
    price = CATALOG.disk_price_per_hour(zone, 730, "pd-balanced")
    assert price is not None
    assert price == by_month[zone.rpartition("-")[0]] * 730 / HOURS_A_MONTH
    larger = CATALOG.price_per_hour("e2-standard-4", zone, Disks(830, "pd-balanced", 50), spot=False)
    smaller = CATALOG.price_per_hour("e2-standard-4", zone, Disks(100, "pd-balanced", 50), spot=False)
    assert larger is not None
    assert smaller is not None
    assert abs(larger - smaller - price) < Decimal("1e-9")
    larger_boot = CATALOG.price_per_hour("e2-standard-4", zone, Disks(100, "pd-balanced", 780), spot=False)
    assert larger_boot is not None
    assert abs(larger_boot - larger) < Decimal("1e-9")


@pytest.mark.parametrize(
    ("machine_type", "zone", "disk_type"),
    [
        ("m9-huge", "europe-west4-a", "pd-balanced"),
        ("e2-standard-4", "mars-north1-a", "pd-balanced"),
        ("e2-standard-4", "europe-west4-a", "pd-tape"),
    ],
)
def test_what_is_not_known_has_no_price(machine_type: str, zone: str, disk_type: str) -> None:
    assert CATALOG.price_per_hour(machine_type, zone, Disks(100, disk_type, 50), spot=False) is None


@pytest.mark.parametrize("content", [None, "", "{}", '{"as_of": "yesterday"}'])
def test_a_catalog_that_cannot_be_used_is_named(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "mine.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigurationError, match=r"mine\.json"):
        Catalog.load(file)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"images": []}, "one with the GPU driver and one without"),
        (
            {"presets": [{"label": "Big", "machine_type": "m9-huge", "disk_size_gb": 1}]},
            "the preset Big uses m9-huge",
        ),
        ({"disk_types": []}, "uses .*pd-balanced.*, which is not in the catalog"),
        ({"zones": ["mars-north1-a"]}, "uses europe-west4-a"),
    ],
)
def test_a_catalog_that_contradicts_itself_is_refused(tmp_path: Path, change: dict[str, Any], sentence: str) -> None:
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(json.loads((REPOSITORY / "app" / "catalog.json").read_text()) | change))
    with pytest.raises(ConfigurationError, match=sentence):
        Catalog.load(file)


def test_the_example_in_the_docs_is_a_catalog() -> None:
    page = (REPOSITORY / "docs" / "catalog.md").read_text()
    [example] = re.findall(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    catalog = Catalog.model_validate_json(example)
    assert {offer.name for offer in catalog.machine_types} <= {offer.name for offer in CATALOG.machine_types}
