"""Fault injection, as Terraform and the Compute API see it."""

from typing import Any

import pytest

from emulator.cloud.faults import FaultError, FaultInjector
from tests.emulator.api.discovery import faults_in
from tests.emulator.world import IN_ZONE, PROJECT, ZONE, World, refused


def test_a_stock_out_frees_the_name_and_happens_once(world: World) -> None:
    world.emulator.fault("stock-out")
    name = world.new_name("vm")
    error = refused(lambda: world.instance(name))
    assert error["status"] == 503
    assert error["message"] == (
        f"The zone 'projects/{PROJECT}/zones/{ZONE}' does not have enough resources available to fulfill the request.  "
        "Try a different zone, or try again later."
    )
    assert error["operation"]["code"] == "ZONE_RESOURCE_POOL_EXHAUSTED"
    assert "kept" not in error
    world.instance(name)


def test_a_quota_error_names_the_quota_that_the_machine_needs(world: World) -> None:
    world.emulator.fault("quota", times=2)
    gpu = refused(lambda: world.instance(machine_type="g2-standard-4"))
    assert "Quota 'GPUS_ALL_REGIONS' exceeded." in gpu["message"]
    assert gpu["operation"]["errorDetails"][0]["quotaInfo"]["metricName"] == "compute.googleapis.com/gpus_all_regions"
    assert "Quota 'CPUS_ALL_REGIONS' exceeded." in refused(world.instance)["message"]


@pytest.mark.parametrize(("preset", "status"), [("forbidden", 403), ("server-error", 503)])
def test_a_refusal_writes_nothing(world: World, preset: str, status: int) -> None:
    world.emulator.fault(preset)
    name = world.new_name("vm")
    assert refused(lambda: world.instance(name))["status"] == status
    assert refused(lambda: world.read("google_compute_instance", f"{IN_ZONE}/instances/{name}"))["status"] == 404


def test_a_fault_affects_only_what_it_matches(world: World) -> None:
    world.emulator.fault(op="create", type="google_compute_disk", id="/disks/cursed-", status=500, message="Boom")
    world.disk()
    world.instance()
    assert refused(lambda: world.disk("cursed-1"))["message"] == "Boom"


def test_a_kept_object_exists_in_spite_of_the_error(world: World) -> None:
    world.emulator.fault(op="create", type="google_compute_disk", status=500, message="Half done", kept=True)
    name = world.new_name("disk")
    assert refused(lambda: world.disk(name))["kept"] is True
    assert world.read("google_compute_disk", f"{IN_ZONE}/disks/{name}")


def test_reads_updates_and_deletes_fail_too_and_change_nothing(world: World) -> None:
    disk = world.disk()
    for op, call in (
        ("read", lambda: world.read("google_compute_disk", disk)),
        ("update", lambda: world.update("google_compute_disk", disk, {"size": 99})),
        ("delete", lambda: world.delete("google_compute_disk", disk)),
    ):
        world.emulator.fault(op=op, status=500, message="Boom")
        assert refused(call)["message"] == "Boom"
    assert world.read("google_compute_disk", disk)["size"] == 20


def test_a_vanished_machine_is_gone_for_terraform_and_for_the_api(world: World) -> None:
    instance = world.instance()
    assert world.emulator.fault("vanish", id=f"{instance}$")["objects"] == [instance]
    assert refused(lambda: world.read("google_compute_instance", instance))["status"] == 404
    assert refused(lambda: world.rest(instance))["status"] == 404


def test_a_preempted_machine_is_stopped_by_google(world: World) -> None:
    instance = world.instance()
    world.emulator.fault("preempt", id=f"{instance}$")
    operations = world.rest(f"{IN_ZONE}/operations")["items"]
    preemption = next(o for o in operations if o["operationType"] == "compute.instances.preempted")
    assert world.operation_done(preemption)["targetLink"].endswith(instance)
    assert world.rest(instance)["status"] == "TERMINATED"


@pytest.mark.parametrize(
    ("preset", "operation", "user", "status"),
    [
        ("stop", "stop", "grace@example.com", "TERMINATED"),
        ("host-error", "compute.instances.hostError", "system", "RUNNING"),
    ],
)
def test_what_happens_outside_is_an_operation_of_whoever_did_it(
    world: World, preset: str, operation: str, user: str, status: str
) -> None:
    instance = world.instance()
    world.emulator.fault(preset, id=f"{instance}$", user="grace@example.com")
    [done] = outside(world, instance, operation)
    assert (done["user"], world.operation_done(done)["status"]) == (user, "DONE")
    assert world.rest(instance)["status"] == status


def test_a_machine_deleted_in_the_console_is_gone_and_its_operation_says_by_whom(world: World) -> None:
    instance = world.instance()
    world.emulator.fault("delete", id=f"{instance}$", user="grace@example.com")
    [done] = outside(world, instance, "delete")
    world.operation_done(done)
    assert done["user"] == "grace@example.com"
    assert refused(lambda: world.rest(instance))["status"] == 404


def outside(world: World, instance: str, operation: str) -> list[dict[str, Any]]:
    """Operations of this kind on the machine, from the aggregated list, as much of each as is asked for."""
    fields = "items/*/operations(name,operationType,targetLink,user),nextPageToken"
    answer = world.rest(f"projects/{PROJECT}/aggregated/operations?fields={fields}")
    found = [each for scope in answer["items"].values() for each in scope.get("operations", ())]
    assert {field for each in found for field in each} == {"name", "operationType", "targetLink", "user"}
    return [each for each in found if each["targetLink"].endswith(instance) and each["operationType"] == operation]


def test_a_stock_out_on_start_is_an_operation_that_fails(world: World) -> None:
    instance = world.instance()
    world.operation_done(world.rest(f"{instance}/stop", "POST"))
    world.emulator.fault("stock-out")
    operation = world.operation_done(world.rest(f"{instance}/start", "POST"))
    assert operation["error"]["errors"][0]["code"] == "ZONE_RESOURCE_POOL_EXHAUSTED"
    assert operation["httpErrorStatusCode"] == 503


def test_a_fault_may_be_for_several_types(world: World) -> None:
    world.emulator.fault(op="create", type="google_compute_disk,google_compute_address", status=500, times=2)
    world.instance()
    assert refused(world.disk)["status"] == refused(world.address)["status"] == 500


def test_the_details_of_a_failed_operation_have_googles_shape(world: World) -> None:
    instance = world.instance()
    world.operation_done(world.rest(f"{instance}/stop", "POST"))
    for preset in ("stock-out-zones", "quota"):
        world.emulator.fault(preset)
        operation = world.operation_done(world.rest(f"{instance}/start", "POST"))
        assert operation["error"]["errors"][0]["errorDetails"]
        assert faults_in(operation, "Operation", "compute.v1") == []


def test_a_stopped_machine_stays_so_when_it_cannot_start(world: World) -> None:
    instance = world.instance()
    world.operation_done(world.rest(f"{instance}/stop", "POST"))
    world.emulator.fault("stock-out")
    world.operation_done(world.rest(f"{instance}/start", "POST"))
    assert world.rest(instance)["status"] == "TERMINATED"


def test_a_fault_at_the_api_has_googles_error_body(world: World) -> None:
    world.emulator.fault(op="list", status=403, message="Required 'compute.instances.list' permission")
    error = refused(lambda: world.rest(f"{IN_ZONE}/instances"))
    assert error["code"] == 403
    assert error["errors"][0]["reason"] == "forbidden"


@pytest.mark.parametrize(
    "values",
    [
        {"preset": "meteorite"},
        {"colour": "red"},
        {"times": 0},
        {"delay": -1},
        {"status": 200},
        {"id": "("},
        {"times": "many"},
    ],
)
def test_an_invalid_fault_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(FaultError):
        FaultInjector().add(values)


def test_vanish_needs_a_type_or_an_id(world: World) -> None:
    with pytest.raises(Exception, match="give a type"):
        world.emulator.fault("vanish")


def test_faults_can_be_listed_and_cleared(world: World) -> None:
    world.emulator.fault("slow")
    assert [fault["preset"] for fault in world.emulator.call("GET", "/_emulator/faults")] == ["slow"]
    world.emulator.clear_faults()
    assert world.emulator.call("GET", "/_emulator/faults") == []
