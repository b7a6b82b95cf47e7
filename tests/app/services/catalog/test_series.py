"""Google's borders between machine series, held against the emulator's, for every pair of the catalog."""

import pytest

from app.services.catalog import Catalog, series
from emulator.core.catalog import MACHINE_TYPES
from emulator.core.ids import Scoped
from emulator.rules import machine_shape
from tests.parts import make_settings

TYPES = [offer.name for offer in Catalog.load(make_settings().catalog_file).machine_types]


@pytest.mark.parametrize(
    ("before", "after", "in_place"),
    [
        ("e2-standard-4", "e2-standard-8", True),
        ("e2-standard-4", "n1-standard-4", True),
        ("g2-standard-4", "g2-standard-24", True),
        ("g2-standard-4", "e2-standard-4", False),
        ("e2-standard-4", "g2-standard-4", False),
        ("a2-highgpu-1g", "a2-highgpu-2g", True),
        ("a2-highgpu-1g", "g2-standard-4", False),
        ("a3-highgpu-1g", "a3-highgpu-1g", True),
        ("a2-ultragpu-1g", "a2-highgpu-1g", False),
        ("g4-standard-48", "g2-standard-4", False),
        ("n2-standard-4", "c3-standard-4", False),
    ],
)
def test_which_type_a_machine_can_take_in_place(before: str, after: str, in_place: bool) -> None:
    assert series.changes_in_place(before, after) is in_place


def pairs() -> list[tuple[str, str]]:
    return [(one, other) for one in TYPES for other in TYPES if series.changes_in_place(one, other) and one != other]


@pytest.mark.parametrize(("before", "after"), pairs())
def test_what_is_said_to_go_in_place_is_not_refused(before: str, after: str) -> None:
    zone = next(zone for zone in MACHINE_TYPES[after].zones)
    where = Scoped("test-project", f"zones/{zone}", zone, "instances", "m")
    machine_shape.check_type_change(where, {"machine_type": before}, after)
