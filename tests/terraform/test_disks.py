"""Disks of a workstation that change or were there before: nothing is replaced or stopped for it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.worker.decide import MACHINE
from tests.emulator_process import EmulatorProcess, start_emulator
from tests.terraform.conftest import Terraform
from tests.terraform.test_configuration import example

DISK = "module.compute_configure.google_compute_disk.data"
TAKEN_OVER = "persistent-disk-grace"


class Workstation:
    """The root of a workstation in a folder, with the variables of the README's example."""

    def __init__(self, terraform: Terraform, tree: Path, emulator: EmulatorProcess) -> None:
        self._terraform, self._folder = terraform, tree / "workstation"
        self._variables: dict[str, Any] = json.loads(example(tree / "README.md", "json"))
        (self._folder / "providers_override.tf.json").write_text(json.dumps({"provider": provider_of(emulator)}))
        self.run("init")

    @property
    def state(self) -> Path:
        return self._folder / "terraform.tfstate"

    def run(self, *arguments: str) -> str:
        return self._terraform(self._folder, *arguments)

    def plan(self, **changes: Any) -> dict[str, list[str]]:
        """Address → actions of what would change. The plan is kept as `tfplan`."""
        self.write_variables(**changes)
        self.run("plan", "-out=tfplan")
        shown = json.loads(self.run("show", "-json", "tfplan"))
        actions = {change["address"]: change["change"]["actions"] for change in shown["resource_changes"]}
        return {address: done for address, done in actions.items() if done != ["no-op"]}

    def write_variables(self, **changes: Any) -> None:
        self._variables |= changes
        (self._folder / "terraform.tfvars.json").write_text(json.dumps(self._variables))


def provider_of(emulator: EmulatorProcess) -> dict[str, Any]:
    return {"google": {"compute_custom_endpoint": emulator.env["GOOGLE_COMPUTE_CUSTOM_ENDPOINT"]}}


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


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[EmulatorProcess]:
    emulator = start_emulator(tmp_path)
    yield emulator
    emulator.stop()


@pytest.fixture
def workstation(terraform: Terraform, tree: Path, emulator: EmulatorProcess) -> Workstation:
    return Workstation(terraform, tree, emulator)


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
