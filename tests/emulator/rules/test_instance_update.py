"""Changes of a machine, call by call: what Google refuses, and what is left then."""

from typing import Any

import pytest

from tests.emulator.world import IN_ZONE, World, machine, refused

LOCAL_SSD = "VM has a Local SSD attached but an undefined value for `discard-local-ssd`."
MIGRATE = [{"on_host_maintenance": "MIGRATE"}]
INSTANCE, DISK = "google_compute_instance", "google_compute_disk"


def change(world: World, instance: str, **changes: Any) -> dict[str, Any]:
    return world.update(INSTANCE, instance, world.read(INSTANCE, instance) | changes)


def boots(world: World, instance: str) -> int:
    [found] = [each for each in world.emulator.objects(INSTANCE) if each["id"] == instance]
    return int(found["cloud"]["boots"])


def boot_disk(state: dict[str, Any], **params: Any) -> dict[str, Any]:
    """The argument of a machine's boot disk, with other parameters."""
    [block] = state["boot_disk"]
    return {"boot_disk": [block | {"initialize_params": [{**block["initialize_params"][0], **params}]}]}


def id_of_boot_disk(world: World, instance: str) -> str:
    return str(world.read(INSTANCE, instance)["boot_disk"][0]["source"].partition("/compute/v1/")[2])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("e2-standard-4", "e2-standard-8"),
        ("e2-standard-4", "n1-standard-4"),
        ("n1-standard-4", "n2-standard-4"),
        ("n2-standard-4", "g2-standard-4"),
        ("a2-highgpu-1g", "a2-highgpu-2g"),
    ],
)
def test_a_stopped_machine_gets_a_type_that_google_allows(world: World, before: str, after: str) -> None:
    instance = world.instance(machine_type=before, **boot_disk(machine(), type="pd-balanced"))
    assert change(world, instance, machine_type=after)["machine_type"] == after
    assert (world.rest(instance)["status"], boots(world, instance)) == ("RUNNING", 2)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("n2-standard-4", "a2-highgpu-1g"),
        ("a2-highgpu-1g", "n2-standard-4"),
        ("g2-standard-4", "a2-highgpu-1g"),
        ("e2-standard-4", "a3-highgpu-1g"),
    ],
)
def test_a_type_that_google_refuses_leaves_the_machine_stopped(world: World, before: str, after: str) -> None:
    zone = IN_ZONE.replace("-a", "-b")
    instance = f"{zone}/instances/{world.new_name('vm')}"
    world.create(INSTANCE, instance, machine(machine_type=before))
    error = refused(lambda: change(world, instance, machine_type=after, metadata={"seen": "yes"}))
    assert error["message"].endswith(f"Machine type cannot be changed from {before} to {after}.")
    assert error["prefix"] == ""
    state = world.read(INSTANCE, instance)
    assert (state["current_status"], state["machine_type"]) == ("TERMINATED", before)
    assert state["metadata"] == {"seen": "yes"}
    # A plan back to the old type finds nothing to change, and does not start the machine.
    assert change(world, instance, machine_type=before)["machine_type"] == before
    assert world.read(INSTANCE, instance)["current_status"] == "TERMINATED"


def test_a_type_that_google_has_no_capacity_for_is_set_and_the_machine_stays_stopped(world: World) -> None:
    instance = world.instance()
    world.emulator.fault("stock-out", id=instance)
    error = refused(lambda: change(world, instance, machine_type="e2-standard-8"))
    assert error["prefix"] == "Error waiting for starting instance: "
    assert error["operation"]["code"] == "ZONE_RESOURCE_POOL_EXHAUSTED"
    state = world.read(INSTANCE, instance)
    assert (state["current_status"], state["machine_type"]) == ("TERMINATED", "e2-standard-8")
    assert boots(world, instance) == 1
    world.operation_done(world.rest(f"{instance}/start", "POST"))
    assert world.rest(instance)["status"] == "RUNNING"


def test_a_machine_keeps_its_gpu_when_its_new_type_takes_none(world: World) -> None:
    t4 = [{"type": "nvidia-tesla-t4", "count": 1}]
    instance = world.instance(machine_type="n1-standard-4", guest_accelerator=t4)
    error = refused(lambda: change(world, instance, machine_type="e2-standard-4"))
    assert error["message"] == "[e2-standard-4, nvidia-tesla-t4] features are not compatible for creating instance."
    assert world.read(INSTANCE, instance)["current_status"] == "TERMINATED"


def test_live_migration_is_refused_while_the_machine_has_a_gpu(world: World) -> None:
    instance = world.instance(machine_type="g2-standard-4")
    changes = {"machine_type": "n2-standard-4", "scheduling": MIGRATE, "metadata": {"seen": "yes"}}
    error = refused(lambda: change(world, instance, **changes))
    assert error["prefix"] == "Error updating scheduling policy: "
    assert error["message"] == "Instances with guest accelerators do not support live migration."
    state = world.read(INSTANCE, instance)
    assert (state["current_status"], state["machine_type"]) == ("RUNNING", "g2-standard-4")
    assert state["metadata"] == {"seen": "yes"}


def test_a_machine_with_local_ssds_is_not_stopped_by_the_provider(world: World) -> None:
    instance = world.instance(machine_type="a2-ultragpu-1g")
    account = [{"email": "ws@example.iam.gserviceaccount.com", "scopes": ["cloud-platform"]}]
    error = refused(lambda: change(world, instance, service_account=account))
    assert error["message"].startswith(LOCAL_SSD)
    assert error["prefix"] == "Error stopping instance: "
    assert world.rest(instance)["status"] == "RUNNING"


def test_stopping_a_machine_with_local_ssds_says_what_becomes_of_them(world: World) -> None:
    instance = world.instance(machine_type="a2-ultragpu-1g")
    error = refused(lambda: world.rest(f"{instance}/stop", "POST"))
    assert (error["code"], error["errors"][0]["reason"]) == (400, "badRequest")
    assert error["message"].startswith(LOCAL_SSD)
    world.operation_done(world.rest(f"{instance}/stop?discardLocalSsd=true", "POST"))
    assert world.rest(instance)["status"] == "TERMINATED"


def test_another_service_account_restarts_the_machine(world: World) -> None:
    instance = world.instance()
    change(world, instance, labels={"of": "ada"})
    assert boots(world, instance) == 1
    change(world, instance, service_account=[{"email": "a@b.iam.gserviceaccount.com", "scopes": ["cloud-platform"]}])
    assert (world.rest(instance)["status"], boots(world, instance)) == ("RUNNING", 2)


def test_a_boot_disk_grows_in_place_and_never_shrinks(world: World) -> None:
    instance = world.instance()
    before = world.read(INSTANCE, instance)
    change(world, instance, **boot_disk(before, size=80, labels={"of": "ada"}))
    disk = id_of_boot_disk(world, instance)
    assert world.read(DISK, disk)["size"] == 80
    assert world.rest(disk)["labels"] == {"of": "ada"}
    assert boots(world, instance) == 1
    error = refused(lambda: change(world, instance, **boot_disk(before, size=50)))
    assert error["prefix"] == f'Error updating Disk "{instance}": '
    assert error["message"].endswith("New disk size '50' GB must be larger than existing size '80' GB.")
    assert world.read(DISK, disk)["size"] == 80


def test_a_boot_disk_that_grew_in_the_console_is_seen_by_terraform(world: World) -> None:
    instance = world.instance()
    world.emulator.call("PATCH", f"/_emulator/objects/{DISK}/{id_of_boot_disk(world, instance)}", {"size": 90})
    assert world.read(INSTANCE, instance)["boot_disk"][0]["initialize_params"][0]["size"] == 90


def test_a_disk_that_another_machine_has_is_not_attached(world: World) -> None:
    disk = world.disk()
    world.attach(world.instance(), disk)
    instance = world.instance()
    blocks = [{"source": disk, "device_name": "home", "mode": "READ_WRITE"}]
    error = refused(lambda: change(world, instance, attached_disk=blocks))
    assert (error["prefix"], error["reason"]) == ("Error attaching disk : ", "resourceInUseByAnotherResource")
