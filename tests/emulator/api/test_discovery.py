"""Every answer of the emulated APIs, held against Google's discovery documents."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from tests.emulator.api.discovery import faults_in, response_schema
from tests.emulator.world import IN_REGION, IN_ZONE, PROJECT, REGION, ZONE, World, refused
from tests.emulator_process import CallError

COMPUTE = {
    ("projects", "get"): f"projects/{PROJECT}",
    ("zones", "list"): f"projects/{PROJECT}/zones",
    ("zones", "get"): f"projects/{PROJECT}/zones/{ZONE}",
    ("regions", "list"): f"projects/{PROJECT}/regions",
    ("regions", "get"): f"projects/{PROJECT}/regions/{REGION}",
    ("machineTypes", "list"): f"{IN_ZONE}/machineTypes",
    ("machineTypes", "get"): f"{IN_ZONE}/machineTypes/g2-standard-24",
    ("acceleratorTypes", "list"): f"{IN_ZONE}/acceleratorTypes",
    ("acceleratorTypes", "get"): f"{IN_ZONE}/acceleratorTypes/nvidia-l4",
    ("instances", "list"): f"{IN_ZONE}/instances?maxResults=2",
    ("instances", "get"): f"{IN_ZONE}/instances/full",
    ("instances", "aggregatedList"): f"projects/{PROJECT}/aggregated/instances",
    ("instances", "getGuestAttributes"): f"{IN_ZONE}/instances/full/getGuestAttributes?queryPath=hostkeys/",
    ("instances", "getSerialPortOutput"): f"{IN_ZONE}/instances/full/serialPort?start=-100",
    ("disks", "list"): f"{IN_ZONE}/disks",
    ("disks", "aggregatedList"): f"projects/{PROJECT}/aggregated/disks",
    ("disks", "get"): f"{IN_ZONE}/disks/full-home",
    ("addresses", "list"): f"{IN_REGION}/addresses",
    ("addresses", "aggregatedList"): f"projects/{PROJECT}/aggregated/addresses",
    ("addresses", "get"): f"{IN_REGION}/addresses/full-ip",
    ("zoneOperations", "list"): f"{IN_ZONE}/operations",
    ("regionOperations", "list"): f"{IN_REGION}/operations",
    ("globalOperations", "list"): f"projects/{PROJECT}/global/operations",
}


@pytest.fixture(scope="module")
def full(world: World) -> World:
    """A cloud where everything that can be set on a machine is set."""
    _, address = world.address("full-ip")
    world.disk("full-home", labels={"stationmaster-stack": "abc123"}, description="Data")
    instance = world.instance(
        "full",
        nat_ip=address,
        machine_type="n1-standard-8",
        guest_accelerator=[{"type": "nvidia-tesla-t4", "count": 1}],
        labels={"stationmaster-stack": "abc123", "owner": "grace"},
        tags=["ssh", "workstation"],
        description="Grace's",
        can_ip_forward=True,
        service_account=[{"email": f"vm@{PROJECT}.iam.gserviceaccount.com", "scopes": ["cloud-platform"]}],
        scheduling=[
            {
                "provisioning_model": "SPOT",
                "preemptible": True,
                "automatic_restart": False,
                "instance_termination_action": "STOP",
                "on_host_maintenance": "TERMINATE",
            }
        ],
    )
    world.attach(instance, f"{IN_ZONE}/disks/full-home")
    world.instance("plain")
    world.instance("third")
    world.host_key(instance)
    return world


@pytest.mark.parametrize("method", COMPUTE)
def test_an_answer_has_googles_shape(full: World, method: tuple[str, str]) -> None:
    answer = full.rest(COMPUTE[method])
    assert faults_in(answer, response_schema("compute.v1", *method), "compute.v1") == []
    if method[1] == "list" and method[0] != "globalOperations":
        assert answer["items"], "an empty list proves nothing"


@pytest.mark.parametrize("verb", ["stop", "start", "reset"])
def test_a_power_operation_has_googles_shape_from_beginning_to_end(full: World, verb: str) -> None:
    schema = response_schema("compute.v1", "instances", verb)
    begun = full.rest(f"{IN_ZONE}/instances/plain/{verb}", "POST")
    done = full.operation_done(begun)
    assert done["status"] == "DONE"
    got = full.rest(f"{IN_ZONE}/operations/{begun['name']}")
    for answer in (begun, done, got):
        assert faults_in(answer, schema, "compute.v1") == []


def test_a_failed_operation_has_googles_shape(full: World) -> None:
    full.operation_done(full.rest(f"{IN_ZONE}/instances/third/stop", "POST"))
    full.emulator.fault("stock-out")
    failed = full.operation_done(full.rest(f"{IN_ZONE}/instances/third/start", "POST"))
    assert failed["error"]
    assert faults_in(failed, "Operation", "compute.v1") == []


def test_an_error_has_the_body_that_googles_clients_read(full: World) -> None:
    error = refused(lambda: full.rest(f"{IN_ZONE}/instances/nobody"))
    assert error == {
        "status": 404,
        "code": 404,
        "message": f"The resource '{IN_ZONE}/instances/nobody' was not found",
        "errors": [
            {
                "message": f"The resource '{IN_ZONE}/instances/nobody' was not found",
                "domain": "global",
                "reason": "notFound",
            }
        ],
    }


def test_secret_manager_answers_have_googles_shape(world: World) -> None:
    secrets = f"/v1/projects/{PROJECT}/secrets"
    path = ("projects", "secrets")
    body = {"replication": {"automatic": {}}, "labels": {"owner": "grace"}}

    def check(answer: Any, *method: str) -> Any:
        assert faults_in(answer, response_schema("secretmanager.v1", *path, *method), "secretmanager.v1") == []
        return answer

    call: Callable[..., Any] = world.emulator.call
    check(call("POST", f"{secrets}?secretId=shape", body), "create")
    payload = {"payload": {"data": base64.b64encode(b"x").decode()}}
    version = check(call("POST", f"{secrets}/shape:addVersion", payload), "addVersion")
    assert version["state"] == "ENABLED"
    check(call("GET", secrets), "list")
    check(call("GET", f"{secrets}/shape"), "get")
    assert check(call("GET", f"{secrets}/shape/versions"), "versions", "list")["totalSize"] == 1
    check(call("GET", f"{secrets}/shape/versions/1:access"), "versions", "access")
    destroyed = check(call("POST", f"{secrets}/shape/versions/1:destroy", {}), "versions", "destroy")
    assert destroyed["state"] == "DESTROYED"
    check(call("DELETE", f"{secrets}/shape"), "delete")
    with pytest.raises(CallError) as gone:
        call("GET", f"{secrets}/shape")
    assert gone.value.body["error"]["status"] == "NOT_FOUND"


def test_the_checker_itself_finds_what_is_wrong() -> None:
    wrong = {"id": 7, "status": "DREAMING", "colour": "red", "disks": {}, "fingerprint": "?", "labels": {"a": 1}}
    found = "\n".join(faults_in(wrong, "Instance", "compute.v1"))
    for name in wrong:
        assert f"Instance.{name}" in found
