"""What people see of plans and states, made from what the real Terraform writes."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.services.terraform import plan_view, state_diff
from app.services.terraform.scrub import secrets_of_state
from app.services.terraform.state_versions import State
from tests.emulator_process import EmulatorProcess, start_emulator
from tests.terraform.conftest import Terraform

MACHINE = "module.compute[0].google_compute_instance.workstation"
DISK = "module.compute_configure.google_compute_disk.data"
ADDRESS = "module.compute_configure.google_compute_address.static_ip[0]"
SPEC = {
    "project": "pocket-project",
    "zone": "europe-west4-a",
    "name": "box-abc123",
    "owner": "grace",
    "stack_id": "abc123",
    "machine_type": "n2-standard-4",
    "disk_size_gb": 20,
    "boot_image": "ubuntu-os-cloud/ubuntu-2404-lts-amd64",
    "ssh_username": "grace",
    "ssh_public_keys": [],
}
Plan = Callable[..., dict[str, Any]]


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[EmulatorProcess]:
    emulator = start_emulator(tmp_path)
    yield emulator
    emulator.stop()


@pytest.fixture
def root(terraform: Terraform, tree: Path, emulator: EmulatorProcess) -> Path:
    """The workstation's root, initialised, with the emulator as its cloud."""
    folder = tree / "workstation"
    provider = {"google": {"compute_custom_endpoint": emulator.env["GOOGLE_COMPUTE_CUSTOM_ENDPOINT"]}}
    (folder / "providers_override.tf.json").write_text(json.dumps({"provider": provider}))
    terraform(folder, "init")
    return folder


@pytest.fixture
def plan(terraform: Terraform, root: Path) -> Plan:
    """`plan(machine_type="…")` is the view of the plan, which is kept as `tfplan`."""

    def view(*arguments: str, **spec: Any) -> dict[str, Any]:
        (root / "terraform.tfvars.json").write_text(json.dumps({**SPEC, **spec}))
        terraform(root, "plan", "-out=tfplan", *arguments)
        return plan_view.of_plan(json.loads(terraform(root, "show", "-json", "tfplan")))

    return view


def apply(terraform: Terraform, root: Path) -> State:
    terraform(root, "apply", "tfplan")
    return State((root / "terraform.tfstate").read_bytes())


def actions(changes: list[Any]) -> dict[str, str]:
    return {change["address"]: change["action"] for change in changes}


def attributes(changes: list[Any], address: str) -> dict[str, tuple[str | None, str | None, str | None]]:
    [change] = [change for change in changes if change["address"] == address]
    return {each["path"]: (each["before"], each["after"], each["note"]) for each in change["attributes"]}


def test_plans_and_states_of_a_workstation_from_create_to_destroy(terraform: Terraform, root: Path, plan: Plan) -> None:
    created = plan()
    assert actions(created["changes"]) == {MACHINE: "create", DISK: "create", ADDRESS: "create"}
    disk = attributes(created["changes"], DISK)
    assert disk["size"] == (None, "20", None)
    assert disk["labels.stationmaster-stack"] == (None, "abc123", None)
    assert disk["id"] == (None, None, "known after apply")
    first = apply(terraform, root)
    assert actions(state_diff.changes(None, first)) == {MACHINE: "create", DISK: "create", ADDRESS: "create"}
    assert {found["path"] for found in state_diff.outputs(None, first)} >= {"address", "disk_id", "zone"}
    assert secrets_of_state(first) == set()

    grown = plan(machine_type="n2-standard-8", disk_size_gb=30)
    assert actions(grown["changes"]) == {MACHINE: "update", DISK: "update"}
    assert attributes(grown["changes"], DISK) == {"size": ("20", "30", None)}
    second = apply(terraform, root)
    assert attributes(state_diff.changes(first, second), DISK)["size"] == ("20", "30", None)
    assert plan(machine_type="n2-standard-8", disk_size_gb=30)["changes"] == []

    lost = plan(machine_type="n2-standard-8", disk_size_gb=30, disk_type="pd-ssd")
    assert actions(lost["changes"])[DISK] == "replace"
    assert attributes(lost["changes"], DISK)["type"] == ("pd-balanced", "pd-ssd", "forces replacement")

    gone = plan("-destroy")
    assert actions(gone["changes"]) == {MACHINE: "delete", DISK: "delete", ADDRESS: "delete"}
    assert actions(state_diff.changes(second, apply(terraform, root))) == actions(gone["changes"])


def test_an_adopted_disk_is_told_as_imported(terraform: Terraform, root: Path, plan: Plan) -> None:
    plan()
    apply(terraform, root)
    terraform(root, "state", "rm", DISK)
    block = {"to": DISK, "id": "projects/pocket-project/zones/europe-west4-a/disks/box-abc123-home"}
    (root / "adopt.tf.json").write_text(json.dumps({"import": [block]}))

    [disk] = [change for change in plan()["changes"] if change["address"] == DISK]
    assert (disk["action"], disk["imported"]) == ("update", True)
    [disk] = [change for change in plan(disk_size_gb=10)["changes"] if change["address"] == DISK]
    assert (disk["action"], disk["imported"]) == ("replace", True)


SECRETIVE = """
variable "password" {
  type      = string
  sensitive = true
}

resource "terraform_data" "login" {
  input = { user = "grace", password = var.password }
}

output "url" {
  value     = "https://grace:${var.password}@example.com"
  sensitive = true
}
"""


def test_what_terraform_holds_for_sensitive_is_in_no_view(terraform: Terraform, tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(SECRETIVE)
    terraform(tmp_path, "init")

    def apply_with(password: str) -> tuple[dict[str, Any], State]:
        terraform(tmp_path, "plan", "-out=tfplan", f"-var=password={password}")
        shown = json.loads(terraform(tmp_path, "show", "-json", "tfplan"))
        assert password in json.dumps(shown)
        return plan_view.of_plan(shown), apply(terraform, tmp_path)

    created, first = apply_with("first-password")
    changed, second = apply_with("second-password")

    views = [created, changed, state_diff.changes(first, second), state_diff.outputs(first, second)]
    # Terraform does not mark what this resource copies to its output.
    assert "-password" not in json.dumps(views)
    assert attributes(changed["changes"], "terraform_data.login") == {
        "input.password": ("(sensitive)", "(sensitive)", "sensitive"),
        "output": ('{"password": "(secret)", "user": "grace"}', None, "known after apply"),
    }
    assert secrets_of_state(first) >= {"first-password", "https://grace:first-password@example.com"}
