"""Suspending and resuming machines, and what Google does not do with one."""

import pytest

from tests.emulator.world import World, refused


def test_a_suspended_machine_keeps_its_address_and_is_resumed_not_started(world: World) -> None:
    instance = world.instance()
    address = world.rest(instance)["networkInterfaces"][0]["accessConfigs"][0]["natIP"]
    world.operation_done(world.rest(f"{instance}/suspend", "POST"))
    suspended = world.rest(instance)
    assert suspended["status"] == "SUSPENDED"
    assert suspended["networkInterfaces"][0]["accessConfigs"][0]["natIP"] == address
    assert refused(lambda: world.rest(f"{instance}/start", "POST"))["errors"][0]["reason"] == "resourceNotReady"
    assert "already suspended" in refused(lambda: world.rest(f"{instance}/suspend", "POST"))["message"]
    world.operation_done(world.rest(f"{instance}/resume", "POST"))
    assert world.rest(instance)["status"] == "RUNNING"
    assert "that is suspended" in refused(lambda: world.rest(f"{instance}/resume", "POST"))["message"]


@pytest.mark.parametrize(("machine_type", "why"), [("g2-standard-4", "accelerators"), ("e2-standard-4", "stopped")])
def test_not_every_machine_can_be_suspended(world: World, machine_type: str, why: str) -> None:
    scheduling = [{"on_host_maintenance": "TERMINATE"}]
    instance = world.instance(machine_type=machine_type, scheduling=scheduling)
    if why == "stopped":
        world.operation_done(world.rest(f"{instance}/stop", "POST"))
    assert why in refused(lambda: world.rest(f"{instance}/suspend", "POST"))["message"]
