import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import anyio
import pytest
from google.api_core.exceptions import BadRequest, Forbidden, ServiceUnavailable

from app.infra.google import Compute
from app.infra.machines import OperationFailedError, Power
from tests.emulator.world import IN_REGION, IN_ZONE, PROJECT, ZONE, World, until
from tests.emulator_process import start_emulator
from tests.parts import make_settings

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("emulated-compute")]
DISK, ADDRESS = "google_compute_disk", "google_compute_address"
LABELS = {"stationmaster-owner": "grace", "stationmaster-stack": "abc123"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    emulator = start_emulator(tmp_path_factory.mktemp("cloud"))
    yield World(emulator)
    emulator.stop()


@pytest.fixture
async def compute(world: World) -> AsyncIterator[Compute]:
    yield Compute(make_settings(google_project=PROJECT, compute_endpoint=world.emulator.url))
    world.emulator.clear_faults()


def begin(world: World, type_: str, id_: str) -> HTTPConnection:
    """Ask for something that Google will be making for hours, without waiting for it."""
    world.emulator.fault(op="create", type=type_, delay=3600)
    connection = HTTPConnection(urlsplit(world.emulator.url).netloc)
    connection.request("POST", f"/terraform/{type_}/{id_}", json.dumps({"state": {"id": id_}, "write_only": {}}))
    return connection


def operations_of(world: World, name: str) -> list[dict[str, Any]]:
    items = world.rest(f"{IN_ZONE}/operations").get("items", [])
    return [operation for operation in items if operation["targetLink"].endswith(f"/{name}")]


def operations(world: World, scope: str) -> list[dict[str, Any]]:
    return list(world.rest(f"{scope}/operations?filter=status!%3DDONE").get("items", []))


async def test_the_labels_of_each_kind_of_thing(world: World, compute: Compute) -> None:
    machine = world.instance("labels-abc123", labels=LABELS)
    disk = world.disk("labels-abc123-home", labels=LABELS)
    address, _ = world.address("labels-abc123-ip", labels=LABELS)

    for id_ in (machine, disk, address):
        assert await compute.labels_of(id_) == LABELS


async def test_an_address_that_has_no_labels_yet_is_known_by_its_description(world: World, compute: Compute) -> None:
    address, _ = world.address("early-abc123-ip", description="stationmaster-stack=abc123")
    assert await compute.labels_of(address) == {"stationmaster-stack": "abc123"}
    labels = {"goog-terraform-provisioned": "true"}
    other, _ = world.address("other-abc123-ip", description="stationmaster-stack=abc123", labels=labels)
    assert await compute.labels_of(other) == {"stationmaster-stack": "abc123", **labels}
    found = [each.id for each in await compute.labelled("stationmaster-stack")]
    assert {address, other} <= set(found)


async def test_how_a_machine_is(world: World, compute: Compute) -> None:
    world.instance("status-1")
    on = await compute.machine(ZONE, "status-1")
    assert on
    assert (on.name, on.zone, on.status, on.is_running, on.is_off) == ("status-1", ZONE, "RUNNING", True, False)
    world.operation_done(world.rest(f"{IN_ZONE}/instances/status-1/stop", "POST"))
    off = await compute.machine(ZONE, "status-1")
    assert off
    assert (off.status, off.is_running, off.is_off) == ("TERMINATED", False, True)
    assert await compute.machine(ZONE, "nobody") is None


async def test_a_machine_is_stopped_and_started(world: World, compute: Compute) -> None:
    world.instance("power-1")
    stopped = await compute.order(Power.STOP, ZONE, "power-1", str(uuid4()))
    machine = await compute.machine(ZONE, "power-1")
    assert machine
    assert machine.is_off
    assert await compute.order(Power.START, ZONE, "power-1", str(uuid4())) >= stopped
    machine = await compute.machine(ZONE, "power-1")
    assert machine
    assert machine.is_running


async def test_a_machine_is_reset_once_for_each_request(world: World, compute: Compute) -> None:
    world.instance("reset-1")
    request_id = str(uuid4())
    first = await compute.order(Power.RESET, ZONE, "reset-1", request_id)
    resets = [operation for operation in operations_of(world, "reset-1") if operation["operationType"] == "reset"]
    assert [datetime.fromisoformat(reset["insertTime"]) for reset in resets] == [first]
    assert resets[0]["status"] == "DONE"

    assert await compute.order(Power.RESET, ZONE, "reset-1", request_id) == first
    assert await compute.order(Power.RESET, ZONE, "reset-1", str(uuid4())) > first


async def test_a_reset_that_google_begins_and_cannot_do_is_an_error(world: World, compute: Compute) -> None:
    world.instance("reset-2")
    world.emulator.fault(op="reset", id="reset-2", status=503, accepted=True, message="no power")
    with pytest.raises(OperationFailedError, match="Error 503: no power"):
        await compute.order(Power.RESET, ZONE, "reset-2", str(uuid4()))


async def test_a_machine_that_is_off_is_not_reset(world: World, compute: Compute) -> None:
    world.instance("reset-3")
    world.operation_done(world.rest(f"{IN_ZONE}/instances/reset-3/stop", "POST"))
    with pytest.raises(BadRequest, match="is not ready"):
        await compute.order(Power.RESET, ZONE, "reset-3", str(uuid4()))


async def test_what_is_there_without_labels_is_not_what_is_not_there(world: World, compute: Compute) -> None:
    assert await compute.labels_of(world.disk("bare")) == {}
    for id_ in (f"{IN_ZONE}/disks/nothing", f"{IN_ZONE}/instances/bare", f"{IN_REGION}/addresses/bare"):
        assert await compute.labels_of(id_) is None


@pytest.mark.parametrize(
    "id_",
    [
        "bare",
        f"{IN_ZONE}/disks/",
        f"{IN_ZONE}/disks/bare/more",
        f"{IN_ZONE}/addresses/bare",
        f"{IN_REGION}/disks/bare",
        f"projects/{PROJECT}/global/addresses/bare",
        f"projects/{PROJECT}/global/firewalls/bare",
        f"https://www.googleapis.com/compute/v1/{IN_ZONE}/disks/bare",
    ],
)
async def test_an_id_of_another_form_is_refused(compute: Compute, id_: str) -> None:
    with pytest.raises(ValueError, match=re.escape(id_)):
        await compute.labels_of(id_)


async def test_what_google_refuses_or_cannot_do_is_no_answer(world: World, compute: Compute) -> None:
    id_ = world.disk()
    world.emulator.fault(op="get", type=DISK, status=403)
    with pytest.raises(Forbidden):
        await compute.labels_of(id_)
    world.emulator.fault(op="get", type=DISK, status=503)
    with pytest.raises(ServiceUnavailable):
        await compute.labels_of(id_)
    world.emulator.fault(op="aggregatedList", type=ADDRESS, status=503)
    with pytest.raises(ServiceUnavailable):
        await compute.labelled("stationmaster-stack")


async def test_nobody_there_is_an_os_error() -> None:
    compute = Compute(make_settings(google_project=PROJECT, compute_endpoint="http://127.0.0.1:1"))
    with anyio.fail_after(60), pytest.raises(OSError, match=r"127\.0\.0\.1"):
        await compute.pending_operations(ZONE, "abc123")


async def test_operations_under_way_on_what_is_named_after_the_stack(world: World, compute: Compute) -> None:
    world.disk("done-pend01-home")
    world.instance("other-pend012")
    begun = [
        begin(world, DISK, f"{IN_ZONE}/disks/box-pend01-home"),
        begin(world, ADDRESS, f"{IN_REGION}/addresses/box-pend01-ip"),
        begin(world, DISK, f"{IN_ZONE}/disks/xpend01-home"),
    ]
    until(lambda: len(operations(world, IN_ZONE)) == 2 and operations(world, IN_REGION))

    assert sorted(await compute.pending_operations(ZONE, "pend01")) == [
        "insert of box-pend01-home",
        "insert of box-pend01-ip",
    ]
    assert await compute.pending_operations("us-central1-a", "pend01") == []
    assert await compute.pending_operations(ZONE, "pend02") == []
    for connection in begun:
        connection.close()


async def test_a_machine_that_stops_is_an_operation_under_way(world: World, compute: Compute) -> None:
    machine = world.instance("box-power1")
    world.emulator.fault(op="stop", id="box-power1", delay=3600)
    world.rest(f"{machine}/stop", "POST")

    assert await compute.pending_operations(ZONE, "power1") == ["stop of box-power1"]


async def test_everything_with_a_label_whatever_its_value(world: World, compute: Compute) -> None:
    labels = {"team": "ml", "audit": "yes"}
    machine, disk = world.instance(labels=labels), world.disk(labels={"audit": "no"})
    elsewhere = f"projects/{PROJECT}/zones/us-central1-f/disks/far"
    world.create(DISK, elsewhere, {"name": "far", "size": 20, "labels": labels})
    address, _ = world.address(labels=labels)
    world.disk(labels={"team": "ml", "auditor": "yes"})

    found = await compute.labelled("audit")

    assert {thing.id: thing.labels for thing in found} == {
        machine: labels,
        disk: {"audit": "no"},
        elsewhere: labels,
        address: labels,
    }
    assert len(found) == 4
    assert await compute.labelled("nobody-has-this") == []


async def test_what_a_machine_has_told_of_itself_and_when_it_was_started(world: World, compute: Compute) -> None:
    machine = world.workstation("tells-abc123", "ssh-ed25519 AAAA", world.disk("tells-abc123-home"))
    told = world.boot_report(machine)
    assert await compute.guest_attributes(ZONE, "tells-abc123") == told
    there = await compute.machine(ZONE, "tells-abc123")
    started = there and there.started_at
    assert started
    assert started <= datetime.fromisoformat(told["boot-stage"].removeprefix("ready "))
    silent = world.instance("silent-abc123")
    assert await compute.guest_attributes(ZONE, silent.rpartition("/")[2]) == {}
