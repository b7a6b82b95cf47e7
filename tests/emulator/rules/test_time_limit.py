"""The time after which Google stops a machine, with the time moved."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from emulator.cloud.cloud import Cloud
from emulator.cloud.faults import FaultInjector
from emulator.cloud.latency import Latency
from emulator.core.addresses import AddressBook
from emulator.core.ids import INSTANCE
from emulator.core.store import CloudResource, Store
from emulator.rules.base import Context
from tests.emulator.rules.test_deleted_databases import Clock
from tests.emulator.world import IN_ZONE, machine

pytestmark = pytest.mark.anyio
ID = f"{IN_ZONE}/instances/vm"
HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cloud(tmp_path: Path, clock: Clock) -> Iterator[Cloud]:
    store = Store(tmp_path)
    context = Context(store, AddressBook(store, in_container=False), clock, "pocket-project")
    yield Cloud(context, FaultInjector(), Latency(0))
    store.close()


async def make(cloud: Cloud, **scheduling: Any) -> CloudResource:
    return await cloud.create(INSTANCE, ID, {**machine(), "id": ID, "scheduling": [scheduling]}, {})


async def status(cloud: Cloud) -> str:
    """Once Google has had the time to stop it."""
    await cloud.stop_overdue()
    for operation in cloud.operations.in_scope("pocket-project", ""):
        await cloud.operations.wait(operation["name"], 10)
    return str(cloud.find(INSTANCE, ID).cloud["status"])


async def test_a_machine_is_stopped_when_its_time_is_over_and_has_all_of_it_again_after_a_start(
    cloud: Cloud, clock: Clock
) -> None:
    await make(cloud, max_run_duration=[{"seconds": 3600}], instance_termination_action="STOP")
    clock.now += HOUR - timedelta(seconds=1)
    assert await status(cloud) == "RUNNING"
    clock.now += timedelta(seconds=1)
    assert await status(cloud) == "TERMINATED"
    assert cloud.operations.in_scope("pocket-project", "")[0]["user"] == "system"

    await cloud.change_power("start", ID)
    assert await status(cloud) == "RUNNING"
    clock.now += HOUR / 2
    await cloud.change_power("reset", ID)
    assert await status(cloud) == "RUNNING"
    clock.now += HOUR / 2
    assert await status(cloud) == "TERMINATED"


async def test_a_machine_without_a_limit_runs_on(cloud: Cloud, clock: Clock) -> None:
    await make(cloud)
    clock.now = datetime(2030, 1, 1, tzinfo=UTC)
    assert await status(cloud) == "RUNNING"
