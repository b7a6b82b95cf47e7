"""Real Terraform against a stand-in cloud: what a resource goes through."""

import signal

from tests.emulator.provider.cloud import StandIn, refusal
from tests.emulator.provider.workspace import Workspace, unfold

VM = "google_compute_instance.vm"
VM_KEY = "google_compute_instance/projects/demo/zones/europe-west4-a/instances/dev"
DISK_KEY = "google_compute_disk/projects/demo/zones/europe-west4-a/disks/dev-home"
ADDRESS_KEY = "google_compute_address/projects/demo/regions/europe-west4/addresses/dev-ip"
ADDRESS_ID = ADDRESS_KEY.partition("/")[2]


def test_apply_then_update_then_destroy(connected: Workspace, cloud: StandIn) -> None:
    assert "Resources: 6 added" in connected.apply()
    assert cloud.objects[VM_KEY]["labels"] == {"owner": "ada"}
    assert connected.plan() == {}

    assert connected.plan("-var=machine_type=e2-standard-8") == {VM: "update"}
    connected.run("apply", "tfplan")
    assert cloud.objects[VM_KEY]["machine_type"] == "e2-standard-8"

    assert "Resources: 6 destroyed" in connected.run("destroy", "-auto-approve")
    assert cloud.objects == {}


def test_a_disk_grows_in_place_and_is_replaced_to_shrink(connected: Workspace) -> None:
    disk = "google_compute_disk.home"
    connected.apply(f"-target={disk}")
    assert connected.plan(f"-target={disk}", "-var=disk_size_gb=300") == {disk: "update"}
    assert connected.plan(f"-target={disk}", "-var=disk_size_gb=100") == {disk: "replace"}


def test_another_zone_replaces_what_lives_in_it(connected: Workspace) -> None:
    connected.apply()
    connected.replace('"europe-west4-a"', '"europe-west4-b"')
    assert connected.plan() == {VM: "replace", "google_compute_disk.home": "replace"}


def test_a_running_machine_changes_type_only_when_it_may_be_stopped(connected: Workspace) -> None:
    connected.apply("-var=stoppable=false")
    output = connected.apply("-var=stoppable=false", "-var=machine_type=e2-standard-8", exits=1)
    assert "please set allow_stopping_for_update = true" in output


def test_a_change_by_hand_is_seen_and_undone(connected: Workspace, cloud: StandIn) -> None:
    connected.apply()
    cloud.objects[VM_KEY] |= {"machine_type": "e2-micro", "effective_labels": {"owner": "eve", "team": "ml"}}
    assert connected.plan() == {VM: "update"}
    connected.run("apply", "tfplan")
    assert cloud.objects[VM_KEY]["machine_type"] == "e2-standard-4"
    # The label that Terraform never knew about stays.
    assert cloud.objects[VM_KEY]["effective_labels"] == {
        "goog-terraform-provisioned": "true",
        "owner": "ada",
        "team": "ml",
    }


def test_what_vanished_is_made_again(connected: Workspace, cloud: StandIn) -> None:
    connected.apply()
    del cloud.objects[VM_KEY]
    assert connected.plan() == {VM: "create"}


def test_an_import_brings_no_labels_and_changes_nothing_else(connected: Workspace, cloud: StandIn) -> None:
    address = "google_compute_address.ip"
    connected.apply(f"-target={address}")
    connected.run("state", "rm", address)
    connected.run("import", address, ADDRESS_ID)
    imported = connected.state()[address]["attributes"]
    assert imported["labels"] is None
    assert imported["address"] == cloud.objects[ADDRESS_KEY]["address"]
    assert connected.plan(f"-target={address}") == {address: "update"}
    connected.run("apply", "tfplan")
    assert connected.plan(f"-target={address}") == {}


def test_an_import_takes_the_short_name_too(connected: Workspace) -> None:
    connected.apply("-target=google_compute_address.ip", "-var=labels={}")
    connected.run("state", "rm", "google_compute_address.ip")
    connected.run("import", "google_compute_address.ip", "dev-ip")
    assert connected.state()["google_compute_address.ip"]["attributes"]["id"] == ADDRESS_ID


def test_importing_what_is_not_there_is_an_error(connected: Workspace) -> None:
    output = connected.run("import", "google_compute_address.ip", ADDRESS_ID, exits=1)
    assert "Cannot import non-existent remote object" in output


def test_errors_read_as_googles(connected: Workspace, cloud: StandIn) -> None:
    quota = "Quota 'GPUS_ALL_REGIONS' exceeded.  Limit: 0.0 globally."
    cloud.faults["POST", "google_compute_instance"] = refusal(403, quota, "quotaExceeded")
    output = connected.apply(exits=1)
    assert f"Error creating instance: googleapi: Error 403: {unfold(quota)}, quotaExceeded" in output

    stock_out = "Error waiting for instance to create: The zone does not have enough resources available."
    cloud.faults["POST", "google_compute_instance"] = refusal(503, "", "", raw=stock_out)
    assert stock_out in connected.apply(exits=1)
    assert VM not in connected.state()

    assert "Resources: 1 added" in connected.apply()
    cloud.faults["GET", "google_compute_disk"] = refusal(403, "Required 'compute.disks.get' permission", "forbidden")
    assert "Error 403: Required 'compute.disks.get' permission" in connected.run("plan", exits=1)
    cloud.faults["DELETE", "google_compute_disk"] = refusal(400, "is already being used by", "resourceInUse")
    assert "Error 400: is already being used by, resourceInUse" in connected.run("destroy", "-auto-approve", exits=1)
    assert list(connected.state()) == ["google_compute_disk.home"]


def test_a_machine_that_failed_after_its_creation_is_tainted(connected: Workspace, cloud: StandIn) -> None:
    timeout = "Error waiting for instance to create: timeout while waiting for state"
    cloud.faults["POST", "google_compute_instance"] = refusal(500, "", "", raw=timeout, kept=True)
    assert timeout in connected.apply(exits=1)
    cloud.objects[VM_KEY] = connected.state()[VM]["attributes"]
    assert connected.state()[VM]["status"] == "tainted"
    assert connected.plan() == {VM: "replace"}


def test_write_only_values_reach_the_cloud_and_no_state(connected: Workspace, cloud: StandIn) -> None:
    connected.apply()
    assert {"secret_data_wo": "never in a state"} in cloud.secrets.values()
    assert "never in a state" not in (connected.folder / "terraform.tfstate").read_text()


def test_a_protected_disk_is_not_destroyed(connected: Workspace, cloud: StandIn) -> None:
    connected.replace('  type   = "pd-balanced"', '  type = "pd-balanced"\n  deletion_policy = "PREVENT"')
    connected.apply("-target=google_compute_disk.home")
    output = connected.run("destroy", "-auto-approve", exits=1)
    assert 'cannot destroy google_compute_disk without setting deletion_policy="DELETE"' in output
    assert DISK_KEY in cloud.objects


def test_an_interrupt_leaves_a_machine_in_the_cloud_that_no_state_knows(connected: Workspace, cloud: StandIn) -> None:
    cloud.blocked = ("POST", "google_compute_instance")
    process = connected.start("apply", "-auto-approve")
    assert cloud.entered.wait(60)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate()
    assert process.returncode == 1
    assert "unable to finish polling, context has been cancelled" in unfold(output)
    assert VM not in connected.state()
    assert VM_KEY in cloud.objects


def test_an_interrupt_while_an_address_gets_its_labels_leaves_it_without_any(
    connected: Workspace, cloud: StandIn
) -> None:
    address = "google_compute_address.ip"
    cloud.blocked = ("PUT", "google_compute_address")
    process = connected.start("apply", "-auto-approve", f"-target={address}")
    assert cloud.entered.wait(60)
    assert cloud.objects[ADDRESS_KEY]["effective_labels"] == {}
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate()
    assert "Error waiting for Updating ComputeAddress Labels: error while retrieving operation" in unfold(output)
    assert connected.state()[address]["status"] == "tainted"


def test_an_unreachable_cloud_is_named(connected: Workspace) -> None:
    connected.environment["GOOGLE_COMPUTE_CUSTOM_ENDPOINT"] = "http://127.0.0.1:9/compute/v1/"
    output = connected.apply("-target=google_compute_address.ip", exits=1)
    assert "Error creating Address" in output
    assert "Connection refused" in output


def test_data_sources_ask_the_cloud(connected: Workspace, cloud: StandIn) -> None:
    source = 'data "google_compute_image" "os" {\n  family  = "ubuntu"\n  project = "images"\n}\n'
    (connected.folder / "data.tf").write_text(
        source + 'output "image" {\n  value = data.google_compute_image.os.name\n}'
    )
    assert "google_compute_image not found" in connected.run("plan", exits=1)
    cloud.data["google_compute_image"] = {"name": "ubuntu-v1", "id": "projects/images/global/images/ubuntu-v1"}
    assert 'image = "ubuntu-v1"' in connected.run("plan")
