"""What the provider meets: objects that live, are refused, and change outside Terraform."""

from typing import Any

import pytest

from tests.emulator.world import IN_ZONE, PROJECT, World, machine, nat_ip, refused


def test_an_object_lives_from_create_to_delete(world: World) -> None:
    disk = world.disk()
    assert world.read("google_compute_disk", disk)["size"] == 20
    world.update("google_compute_disk", disk, {**world.read("google_compute_disk", disk), "size": 30})
    assert world.read("google_compute_disk", disk)["size"] == 30
    world.delete("google_compute_disk", disk)
    assert refused(lambda: world.read("google_compute_disk", disk))["status"] == 404
    assert refused(lambda: world.delete("google_compute_disk", disk))["status"] == 404


def test_a_second_create_under_one_name_is_refused_as_google_does(world: World) -> None:
    disk = world.disk()
    error = refused(lambda: world.disk(disk.rpartition("/")[2]))
    assert error["status"] == 409
    assert error["reason"] == "alreadyExists"
    assert error["message"] == f"The resource '{disk}' already exists"


def test_a_machine_gets_addresses_a_boot_disk_and_runs(world: World) -> None:
    instance = world.instance()
    state = world.read("google_compute_instance", instance)
    assert state["current_status"] == "RUNNING"
    assert nat_ip(state).startswith("127.")
    assert state["network_interface"][0]["network_ip"].startswith("10.164.")
    boot_disk = state["boot_disk"][0]["source"].partition("/compute/v1/")[2]
    assert boot_disk == f"{IN_ZONE}/disks/{instance.rpartition('/')[2]}"
    assert world.read("google_compute_disk", boot_disk)["size"] == 50


def test_a_deleted_machine_takes_its_boot_disk_and_attachments_along_and_leaves_the_data_disk(world: World) -> None:
    instance, disk = world.instance(), world.disk()
    attachment = world.attach(instance, disk)
    boot_disk = world.read("google_compute_instance", instance)["boot_disk"][0]["source"].partition("/compute/v1/")[2]
    world.delete("google_compute_instance", instance)
    assert refused(lambda: world.read("google_compute_attached_disk", attachment))["status"] == 404
    assert refused(lambda: world.read("google_compute_disk", boot_disk))["status"] == 404
    assert world.read("google_compute_disk", disk)
    world.delete("google_compute_disk", disk)


def test_a_disk_in_use_can_neither_be_deleted_nor_attached_again(world: World) -> None:
    instance, other, disk = world.instance(), world.instance(), world.disk()
    world.attach(instance, disk)
    for call in (lambda: world.delete("google_compute_disk", disk), lambda: world.attach(other, disk)):
        error = refused(call)
        assert (error["status"], error["reason"]) == (400, "resourceInUseByAnotherResource")
        assert error["message"] == f"The disk resource '{disk}' is already being used by '{instance}'"


def test_a_static_address_is_kept_by_its_machine_and_refused_to_another(world: World) -> None:
    address_id, address = world.address()
    instance = world.instance(nat_ip=address)
    assert nat_ip(world.read("google_compute_instance", instance)) == address
    taken = refused(lambda: world.instance(nat_ip=address))
    assert taken["message"] == f"IP '{address}' is already being used by another resource."
    assert taken["operation"]["code"] == "IP_IN_USE_BY_ANOTHER_RESOURCE"
    in_use = refused(lambda: world.delete("google_compute_address", address_id))
    assert in_use["reason"] == "resourceInUseByAnotherResource"
    world.delete("google_compute_instance", instance)
    world.delete("google_compute_address", address_id)


def test_a_disk_attached_by_another_resource_shows_in_the_machine_and_is_no_order_when_sent_back(world: World) -> None:
    instance, disk = world.instance(), world.disk()
    attachment = world.attach(instance, disk)
    state = world.read("google_compute_instance", instance)
    assert [block["device_name"] for block in state["attached_disk"]] == ["home"]
    world.delete("google_compute_attached_disk", attachment)
    # ignore_changes = [attached_disk]: Terraform sends what it last read.
    world.update("google_compute_instance", instance, state)
    assert world.read("google_compute_instance", instance)["attached_disk"] == []
    world.delete("google_compute_disk", disk)


def test_a_disk_in_a_block_of_the_machine_is_attached_and_detached_by_it(world: World) -> None:
    disk = world.disk()
    instance = world.instance(attached_disk=[{"source": disk, "device_name": "home"}])
    assert refused(lambda: world.delete("google_compute_disk", disk))["status"] == 400
    state = world.read("google_compute_instance", instance)
    world.update("google_compute_instance", instance, {**state, "attached_disk": []})
    world.delete("google_compute_disk", disk)


@pytest.mark.parametrize(
    ("change", "status", "fragment"),
    [
        ({"machine_type": "e9-huge"}, 400, "Machine type with name 'e9-huge' does not exist in zone 'europe-west4-a'"),
        ({"machine_type": "a3-highgpu-1g"}, 400, "does not exist in zone"),
        (
            {"machine_type": "n1-standard-4", "guest_accelerator": [{"type": "nvidia-h100-80gb", "count": 1}]},
            404,
            f"The resource '{IN_ZONE}/acceleratorTypes/nvidia-h100-80gb' was not found",
        ),
        (
            {"machine_type": "e2-standard-4", "guest_accelerator": [{"type": "nvidia-tesla-t4", "count": 1}]},
            400,
            "features are not compatible for creating instance",
        ),
        (
            {"machine_type": "n1-standard-4", "guest_accelerator": [{"type": "nvidia-tesla-t4", "count": 3}]},
            400,
            "must be one of [1, 2, 4]",
        ),
        (
            {"machine_type": "g2-standard-4", "boot_disk": [{"initialize_params": [{"type": "pd-standard"}]}]},
            400,
            "[pd-standard] features and [instance_type: VIRTUAL_MACHINE\nfamily: GRAPHICS_OPTIMIZED\n"
            "generation: GEN_2\n] InstanceTaxonomies are not compatible for creating instance",
        ),
        (
            {"machine_type": "g2-standard-4", "scheduling": [{"on_host_maintenance": "MIGRATE"}]},
            400,
            "do not support live migration",
        ),
    ],
)
def test_a_machine_google_does_not_build_is_refused_in_its_words(
    world: World, change: dict[str, Any], status: int, fragment: str
) -> None:
    name = world.new_name("vm")
    error = refused(lambda: world.instance(name, **change))
    assert error["status"] == status
    assert fragment in error["message"]
    assert refused(lambda: world.read("google_compute_instance", f"{IN_ZONE}/instances/{name}"))["status"] == 404


@pytest.mark.parametrize(
    "change",
    [
        {"machine_type": "n1-standard-8", "guest_accelerator": [{"type": "nvidia-tesla-t4", "count": 2}]},
        {"machine_type": "g2-standard-8"},
        {"machine_type": "g2-standard-8", "guest_accelerator": [{"type": "nvidia-l4", "count": 1}]},
        {"scheduling": [{"provisioning_model": "SPOT", "preemptible": True, "automatic_restart": False}]},
    ],
)
def test_gpu_and_spot_machines_are_built(world: World, change: dict[str, Any]) -> None:
    assert world.read("google_compute_instance", world.instance(**change))["current_status"] == "RUNNING"


def test_a_disk_that_a_machine_type_does_not_take_is_refused_attached_and_when_the_type_changes(world: World) -> None:
    disk = world.disk(type="pd-standard")
    name, blocks = world.new_name("vm"), [{"source": disk, "device_name": "home"}]
    wrong = {**machine(machine_type="g2-standard-4"), "attached_disk": blocks}
    error = refused(lambda: world.create("google_compute_instance", f"{IN_ZONE}/instances/{name}", wrong))
    assert "InstanceTaxonomies are not compatible" in error["message"]

    made = world.instance(attached_disk=blocks)
    state = world.read("google_compute_instance", made) | {"machine_type": "g2-standard-4"}
    error = refused(lambda: world.update("google_compute_instance", made, state))
    assert "InstanceTaxonomies are not compatible" in error["message"]


def test_local_ssds_come_with_some_machine_types(world: World) -> None:
    made = world.instance(machine_type="a2-ultragpu-1g")
    assert world.read("google_compute_instance", made)["scratch_disk"] == [
        {"device_name": "local-ssd-0", "interface": "NVME", "size": 375}
    ]
    assert world.read("google_compute_instance", world.instance())["scratch_disk"] == []


def test_an_unknown_zone_image_or_too_small_boot_disk_is_refused(world: World) -> None:
    elsewhere = f"projects/{PROJECT}/zones/mars-north1-a/instances/vm"
    unknown_zone = refused(lambda: world.create("google_compute_instance", elsewhere, machine()))
    assert "Unknown zone" in unknown_zone["message"]
    image = [{"initialize_params": [{"image": "ubuntu-os-cloud/ubuntu-1804-lts"}]}]
    assert "Could not find image or family" in refused(lambda: world.instance(boot_disk=image))["raw"]
    small = [{"initialize_params": [{"image": "ubuntu-os-cloud/ubuntu-2404-lts-amd64", "size": 5}]}]
    assert "cannot be smaller than the image size" in refused(lambda: world.instance(boot_disk=small))["message"]


def test_an_iam_member_may_be_made_twice_and_each_secret_version_gets_a_number(world: World) -> None:
    member = f"{PROJECT}/roles/viewer/user:grace@example.com"
    for _ in range(2):
        world.create("google_project_iam_member", member, {"role": "roles/viewer", "member": "user:ada@example.com"})
    secret = f"projects/{PROJECT}/secrets/numbered"
    world.create("google_secret_manager_secret", secret, {"secret_id": "numbered"})
    made = [
        world.create(
            "google_secret_manager_secret_version", f"{secret}/versions/1", {"secret": secret}, secret_data_wo=x
        )
        for x in ("one", "two")
    ]
    assert [state["version"] for state in made] == ["1", "2"]
    assert made[1]["id"] == f"{secret}/versions/2"
    assert world.data("google_secret_manager_secret_version", secret="numbered")["secret_data"] == "two"


def test_data_sources_find_what_is_there(world: World) -> None:
    disk = world.disk()
    assert world.data("google_compute_disk", name=disk.rpartition("/")[2])["size"] == 20
    assert world.data("google_compute_zones")["names"] == ["europe-west4-a", "europe-west4-b", "europe-west4-c"]
    image = world.data("google_compute_image", project="ubuntu-os-cloud", family="ubuntu-2404-lts-amd64")
    assert image["disk_size_gb"] == 10
    assert world.data("google_client_config")["project"] == PROJECT
    assert refused(lambda: world.data("google_compute_disk", name="none"))["status"] == 404
    assert (
        refused(lambda: world.data("google_compute_image", project="debian-cloud", family="debian-7"))["status"] == 404
    )


def test_what_is_no_json_object_is_refused(world: World) -> None:
    error = refused(lambda: world.emulator.call("POST", "/terraform/google_compute_disk/x", [1]))
    assert error["status"] == 400


def test_the_log_tells_every_call_and_its_status(world: World) -> None:
    before = len(world.emulator.log_of_calls())
    disk = world.disk()
    refused(lambda: world.disk(disk.rpartition("/")[2]))
    calls = [(call["op"], call["id"], call["status"]) for call in world.emulator.log_of_calls()[before:]]
    assert calls == [("create", disk, 200), ("create", disk, 409)]
