"""Disks of a workstation that change or were there before: nothing is replaced or stopped for it."""

import json
from pathlib import Path

from app.worker.decide import MACHINE
from tests.emulator_process import EmulatorProcess
from tests.terraform.conftest import Terraform
from tests.terraform.workstation import Workstation, provider_of

DISK = "module.compute_configure.google_compute_disk.data"
TAKEN_OVER = "persistent-disk-grace"


def make_disk(terraform: Terraform, folder: Path, emulator: EmulatorProcess, description: str) -> None:
    """By somebody else's Terraform."""
    folder.mkdir()
    disk = {
        "name": TAKEN_OVER,
        "project": "pocket-project",
        "zone": "europe-west4-a",
        "type": "pd-balanced",
        "size": 200,
    }
    resource = {"google_compute_disk": {"data": {**disk, "description": description}}}
    (folder / "main.tf.json").write_text(json.dumps({"provider": provider_of(emulator), "resource": resource}))
    terraform(folder, "init")
    terraform(folder, "apply", "-auto-approve")


def test_a_boot_disk_grows_while_the_machine_runs(workstation: Workstation, emulator: EmulatorProcess) -> None:
    workstation.plan()
    workstation.run("apply", "tfplan")
    [before] = emulator.objects("google_compute_instance")

    assert workstation.plan(boot_disk_size_gb=80) == {MACHINE: ["update"]}
    workstation.run("apply", "tfplan")

    [after] = emulator.objects("google_compute_instance")
    assert after["state"]["boot_disk"][0]["initialize_params"][0]["size"] == 80
    assert (after["cloud"]["status"], after["cloud"]["started"]) == ("RUNNING", before["cloud"]["started"])
    assert workstation.plan() == {}


def test_a_disk_that_came_with_a_description_is_taken_over_as_it_is(
    terraform: Terraform, tmp_path: Path, workstation: Workstation, emulator: EmulatorProcess
) -> None:
    make_disk(terraform, tmp_path / "others", emulator, description="Data since 2023")
    workstation.write_variables(disk_name=TAKEN_OVER)
    workstation.run("import", DISK, f"projects/pocket-project/zones/europe-west4-a/disks/{TAKEN_OVER}")

    assert workstation.plan()[DISK] == ["update"]
    workstation.run("apply", "tfplan")
    [disk] = [each for each in emulator.objects("google_compute_disk") if each["id"].endswith(TAKEN_OVER)]
    assert disk["state"]["description"] == "Data since 2023"
    assert workstation.plan() == {}


def test_a_snapshot_opens_and_closes_while_the_machine_runs(
    workstation: Workstation, emulator: EmulatorProcess
) -> None:
    workstation.plan()
    workstation.run("apply", "tfplan")
    [before] = emulator.objects("google_compute_instance")
    disk = next(each["id"] for each in emulator.objects("google_compute_disk") if each["id"].endswith("-home"))
    emulator.call(
        "POST", "/compute/v1/projects/pocket-project/global/snapshots", {"name": "yesterday", "sourceDisk": disk}
    )
    opened = {"name": "yesterday", "date": "2026-03-02-0417", "size_gb": 200, "disk_type": "pd-balanced"}
    copy = 'module.compute[0].google_compute_disk.opened["2026-03-02-0417"]'

    assert workstation.plan(opened_snapshot=opened) == {MACHINE: ["update"], copy: ["create"]}
    workstation.run("apply", "tfplan")
    assert workstation.plan() == {}
    [machine] = emulator.objects("google_compute_instance")
    assert [each["device_name"] for each in machine["state"]["attached_disk"]] == ["home", "snapshot-2026-03-02-0417"]

    assert workstation.plan(opened_snapshot=None) == {MACHINE: ["update"], copy: ["delete"]}
    before_close = workstation.state.read_text()
    # Google refuses to delete a disk that is attached.
    workstation.run("apply", "tfplan")
    [machine] = emulator.objects("google_compute_instance")
    assert [each["device_name"] for each in machine["state"]["attached_disk"]] == ["home"]
    assert machine["cloud"]["started"] == before["cloud"]["started"]
    assert workstation.plan() == {}

    # Of a worker that is lost, what Terraform wrote down is lost as well: applying the empty plan mends the state.
    workstation.state.write_text(before_close)
    assert workstation.plan() == {}
    assert copy in workstation.run("state", "list")
    workstation.run("apply", "tfplan")
    assert copy not in workstation.run("state", "list")
