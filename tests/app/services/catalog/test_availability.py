"""What the project has: zones fewer than the catalog's, and quotas."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.config import REPOSITORY
from app.services.catalog import Catalog, MachineType
from app.services.catalog.availability import EVERYWHERE, Availability

CATALOG = Catalog.load(REPOSITORY / "app" / "catalog.json")
NOW = datetime(2026, 3, 2, tzinfo=UTC)


def machine(name: str) -> MachineType:
    found = CATALOG.machine_type(name)
    assert found
    return found


@pytest.mark.anyio
async def test_the_newest_look_is_what_counts_and_before_any_the_catalog_does(session: AsyncSession) -> None:
    assert (await Availability.read(session)).narrow(CATALOG) == CATALOG
    seen = Availability(absent={"europe-west4-a": ("g2-standard-8",)}, quotas={EVERYWHERE: {"GPUS_ALL_REGIONS": 1}})
    await seen.keep(session, NOW)
    assert await Availability.read(session) == seen.model_copy(update={"taken_at": NOW})


def test_a_zone_is_taken_from_the_machine_types_that_are_not_there() -> None:
    narrowed = Availability(absent={"europe-west4-a": ("g2-standard-8", "gone")}).narrow(CATALOG)
    offer = narrowed.machine_type("g2-standard-8")
    assert offer
    assert offer.zones == tuple(zone for zone in machine("g2-standard-8").zones if zone != "europe-west4-a")
    assert narrowed.machine_type("g2-standard-12") == machine("g2-standard-12")


@pytest.mark.parametrize(
    ("name", "spot", "quota"),
    [
        ("g2-standard-8", False, 3),
        ("g2-standard-8", True, 1),
        ("g2-standard-24", False, 1),
        ("a2-highgpu-1g", False, 5),
        ("e2-standard-16", False, 4),
    ],
)
def test_the_scarcest_quota_decides(name: str, spot: bool, quota: int) -> None:
    regional = {"NVIDIA_L4_GPUS": 3.0, "PREEMPTIBLE_NVIDIA_L4_GPUS": 1.0}
    stock = Availability(
        quotas={EVERYWHERE: {"CPUS_ALL_REGIONS": 72.0, "GPUS_ALL_REGIONS": 5.0}, "europe-west4": regional}
    )
    assert stock.quota_for(machine(name), "europe-west4-a", spot=spot) == quota


def test_without_a_look_no_quota_is_known() -> None:
    assert Availability().quota_for(machine("g2-standard-8"), "europe-west4-a", spot=False) is None
