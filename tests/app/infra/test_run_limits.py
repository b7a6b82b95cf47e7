"""Run limits through the Compute API, at an emulated Google."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest

from app.infra.google import Compute
from app.infra.run_limits import RunLimits
from tests.emulator.world import PROJECT, ZONE, World
from tests.emulator_process import start_emulator
from tests.parts import make_settings

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("emulated-run-limits")]
DAY = timedelta(days=1)
SPOT = {"scheduling": [{"provisioning_model": "SPOT", "preemptible": True, "instance_termination_action": "STOP"}]}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    emulator = start_emulator(tmp_path_factory.mktemp("cloud"))
    yield World(emulator)
    emulator.stop()


@pytest.fixture
def compute(world: World) -> Compute:
    return Compute(make_settings(google_project=PROJECT, compute_endpoint=world.emulator.url))


@pytest.fixture
def limits(compute: Compute) -> RunLimits:
    return compute.run_limits


def stopped(world: World, **state: Any) -> str:
    instance = world.instance(**state)
    world.operation_done(world.rest(f"{instance}/stop", "POST"))
    return instance


def scheduling(world: World, instance: str) -> tuple[str | None, str | None]:
    block = world.rest(instance)["scheduling"]
    return block.get("maxRunDuration", {}).get("seconds"), block.get("instanceTerminationAction")


@pytest.mark.parametrize(("state", "without"), [({}, None), (SPOT, "STOP")], ids=["standard", "spot"])
async def test_a_stopped_machine_is_given_a_limit_and_loses_it(
    world: World, limits: RunLimits, state: dict[str, Any], without: str | None
) -> None:
    instance = stopped(world, **state)
    name = instance.rpartition("/")[2]
    assert await limits.set(ZONE, name, DAY)
    assert scheduling(world, instance) == ("86400", "STOP")
    assert not await limits.set(ZONE, name, DAY)
    assert await limits.set(ZONE, name, None)
    assert scheduling(world, instance) == (None, without)


async def test_the_time_begins_with_each_start_and_ends_with_the_stop(
    world: World, compute: Compute, limits: RunLimits
) -> None:
    instance = stopped(world)
    name = instance.rpartition("/")[2]
    await limits.set(ZONE, name, DAY)
    world.operation_done(world.rest(f"{instance}/start", "POST"))
    machine = await compute.machine(ZONE, name)
    assert machine
    assert machine.started_at
    assert machine.run_limit_at
    assert abs(machine.run_limit_at - machine.started_at - DAY) < timedelta(seconds=1)
    world.operation_done(world.rest(f"{instance}/stop", "POST"))
    machine = await compute.machine(ZONE, name)
    assert machine
    assert machine.run_limit_at is None


async def test_a_running_machine_is_left_alone(world: World, limits: RunLimits) -> None:
    instance = world.instance()
    assert not await limits.set(ZONE, instance.rpartition("/")[2], DAY)
    assert scheduling(world, instance) == (None, None)


async def test_what_google_does_not_have_is_refused(world: World, limits: RunLimits) -> None:
    with pytest.raises(BadRequest, match="from 30 seconds to 120 days"):
        await limits.set(ZONE, stopped(world).rpartition("/")[2], timedelta(days=121))
