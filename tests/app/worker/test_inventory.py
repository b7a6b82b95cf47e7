"""Taking stock of the emulated project, with Google's own clients."""

from collections.abc import Iterator

import pytest

from app.config import REPOSITORY
from app.infra.google import Compute
from app.services.catalog import Catalog
from app.services.catalog.availability import EVERYWHERE
from app.worker.inventory import take_inventory
from tests.emulator.world import PROJECT, World
from tests.emulator_process import start_emulator
from tests.parts import make_settings

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("emulated-compute")]
CATALOG = Catalog.load(REPOSITORY / "app" / "catalog.json")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    emulator = start_emulator(tmp_path_factory.mktemp("cloud"))
    yield World(emulator)
    emulator.stop()


@pytest.fixture
def compute(world: World) -> Compute:
    return Compute(make_settings(google_project=PROJECT, compute_endpoint=world.emulator.url))


async def test_the_catalog_is_compared_with_what_each_zone_has(compute: Compute) -> None:
    stock = await take_inventory(compute, CATALOG)

    assert {zone for zone, names in stock.absent.items() if "g4-standard-48" in names} == {
        *("europe-west4-a", "europe-west4-c", "us-central1-a", "us-central1-c", "us-central1-f")
    }
    assert {name for names in stock.absent.values() for name in names} == {"g4-standard-48"}
    assert stock.quotas[EVERYWHERE]["GPUS_ALL_REGIONS"] == 32
    h100 = CATALOG.machine_type("a3-highgpu-1g")
    assert h100
    assert [stock.quota_for(h100, "us-central1-a", spot=spot) for spot in (False, True)] == [32, 8]


async def test_a_zone_that_the_project_has_not_has_nothing(compute: Compute) -> None:
    zone = "mars-north1-a"
    offers = tuple(offer.model_copy(update={"zones": (zone,)}) for offer in CATALOG.machine_types)
    stock = await take_inventory(compute, CATALOG.model_copy(update={"zones": (zone,), "machine_types": offers}))

    assert stock.absent == {zone: tuple(offer.name for offer in offers)}
    assert stock.quotas == {}
