"""Snapshots through Google's client, at an emulated Google."""

from collections.abc import AsyncIterator, Iterator

import pytest
from google.api_core.exceptions import Conflict, NotFound, TooManyRequests

from app.infra.google import Compute
from app.infra.machines import OperationFailedError
from app.infra.snapshots import DiskPlace, Snapshots
from tests.emulator.world import PROJECT, ZONE, World
from tests.emulator_process import start_emulator
from tests.parts import make_settings

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("emulated-snapshots")]
LABELS = {"stationmaster-owner": "grace", "stationmaster-stack": "abc123"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    emulator = start_emulator(tmp_path_factory.mktemp("cloud"))
    yield World(emulator)
    emulator.stop()


@pytest.fixture
async def snapshots(world: World) -> AsyncIterator[Snapshots]:
    yield Compute(make_settings(google_project=PROJECT, compute_endpoint=world.emulator.url)).snapshots
    world.emulator.clear_faults()


def disk(world: World, name: str) -> DiskPlace:
    world.disk(name, size=30)
    return DiskPlace(ZONE, name)


async def test_a_snapshot_is_taken_read_listed_and_deleted(world: World, snapshots: Snapshots) -> None:
    assert await snapshots.take(disk(world, "home"), "first", LABELS, "0e8f6c0a-0000-4000-8000-000000000001")
    stored = await snapshots.read("first")
    assert stored
    assert (stored.name, stored.is_ready, stored.disk_size_gb, stored.labels) == ("first", True, 30, LABELS)
    assert [each.name for each in await snapshots.labelled("stationmaster-stack")] == ["first"]
    assert await snapshots.labelled("other") == []
    await snapshots.delete("first")
    assert await snapshots.read("first") is None
    await snapshots.delete("first")


async def test_the_same_request_is_carried_out_once(world: World, snapshots: Snapshots) -> None:
    place, request_id = disk(world, "once"), "0e8f6c0a-0000-4000-8000-000000000002"
    assert await snapshots.take(place, "again", LABELS, request_id)
    assert await snapshots.take(place, "again", LABELS, request_id)
    with pytest.raises(Conflict):
        await snapshots.take(place, "again", LABELS, "0e8f6c0a-0000-4000-8000-000000000003")


async def test_refusals_and_failures_arrive_in_googles_words(world: World, snapshots: Snapshots) -> None:
    with pytest.raises(NotFound, match="disks/none"):
        await snapshots.take(DiskPlace(ZONE, "none"), "of-none", LABELS, "0e8f6c0a-0000-4000-8000-000000000004")
    place = disk(world, "refused")
    world.emulator.fault("snapshot-quota")
    with pytest.raises(OperationFailedError, match="Quota 'SNAPSHOTS' exceeded"):
        await snapshots.take(place, "too-many", LABELS, "0e8f6c0a-0000-4000-8000-000000000005")
    assert await snapshots.read("too-many") is None


async def test_a_disk_has_six_snapshots_an_hour_at_most(world: World, snapshots: Snapshots) -> None:
    place = disk(world, "often")
    for number in range(6):
        await snapshots.take(place, f"often-{number}", LABELS, f"0e8f6c0a-0000-4000-8000-00000000001{number}")
    with pytest.raises(TooManyRequests, match="Too frequent operations from the source resource"):
        await snapshots.take(place, "often-6", LABELS, "0e8f6c0a-0000-4000-8000-000000000016")
