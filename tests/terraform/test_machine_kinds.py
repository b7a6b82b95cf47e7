"""The catalog's machine types, made by terraform/workstation and the real Terraform in the emulated cloud."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.models import SshKey, Workstation
from app.services.catalog import Catalog, MachineType
from app.services.workstations import specs
from app.worker.adopt import ids_of_creates
from app.worker.decide import MACHINE
from emulator.core import catalog as emulated
from tests.emulator_process import EmulatorProcess, start_emulator
from tests.parts import make_settings
from tests.terraform.adoption import ONLY_IN_STATE, differing
from tests.terraform.conftest import Terraform
from tests.terraform.machine import REPOSITORY

CATALOG = Catalog.load(REPOSITORY / "app" / "catalog.json")
SETTINGS = make_settings(google_project="pocket-project")
KEY = SshKey(public_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGh0 grace@laptop")


def inputs(offer: MachineType, **changes: Any) -> dict[str, Any]:
    """The variables of a machine of this type with all defaults, as the portal writes them."""
    stack_id = f"k{CATALOG.machine_types.index(offer):05}"
    workstation = Workstation(
        id=stack_id,
        name="dev",
        zone=next(zone for zone in offer.zones if zone in emulated.MACHINE_TYPES[offer.name].zones),
        snapshot=None,
        disk_snapshot=None,
        machine_type=offer.name,
        **specs.accelerator_columns(offer),
        image=CATALOG.default_image(offer).name,
        boot_disk_size_gb=50,
        disk_size_gb=100,
        disk_type=offer.disk_types[0],
        spot=offer.spot_only,
        ssh_username="grace",
        owner_label="grace",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    inputs = specs.terraform_inputs(workstation, changes, None, CATALOG, SETTINGS)
    return {**inputs, "ssh_public_keys": [KEY.public_key]}


class Machines:
    """Many workstations in one state: one process of Terraform plans them all."""

    def __init__(self, terraform: Terraform, tree: Path, emulator: EmulatorProcess) -> None:
        self._terraform = terraform
        self.folder = tree / "machines"
        self.folder.mkdir()
        # A module that is called many times may not bring its provider along.
        (tree / "workstation" / "providers.tf").unlink()
        provider = {"google": {"compute_custom_endpoint": emulator.env["GOOGLE_COMPUTE_CUSTOM_ENDPOINT"]}}
        (self.folder / "providers.tf.json").write_text(json.dumps({"provider": provider}))

    def plan(self, desired: dict[str, dict[str, Any]], *how: str) -> dict[str, list[str]]:
        """Machine → what would become of it; those that stay as they are, and what else there is, are left out."""
        called = {name: {"source": "../workstation", **values} for name, values in desired.items()}
        (self.folder / "main.tf.json").write_text(json.dumps({"module": called}))
        if not (self.folder / ".terraform").exists():
            self._terraform(self.folder, "init")
        actions = {change["address"]: change["change"]["actions"] for change in self._show(*how)["resource_changes"]}
        return {
            address.split(".")[1]: done
            for address, done in actions.items()
            if ".google_compute_instance." in address and done != ["no-op"]
        }

    def adopt(self, desired: dict[str, dict[str, Any]]) -> set[str]:
        """Lose the state, and plan to import all; returns the attributes that would be changed in place."""
        (self.folder / "terraform.tfstate").unlink()
        self.plan(desired)
        ids = ids_of_creates(self._show())
        blocks = [{"to": address, "id": resource_id} for address, resource_id in ids.items()]
        (self.folder / "imports.tf.json").write_text(json.dumps({"import": blocks}))
        shown = self._show()
        (self.folder / "imports.tf.json").unlink()
        assert len(ids) == 3 * len(desired)
        return differing(shown)

    def _show(self, *how: str) -> dict[str, Any]:
        self._terraform(self.folder, "plan", "-out=tfplan", *how)
        return dict(json.loads(self._terraform(self.folder, "show", "-json", "tfplan")))

    def apply(self) -> None:
        self._terraform(self.folder, "apply", "tfplan")


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[EmulatorProcess]:
    emulator = start_emulator(tmp_path)
    yield emulator
    emulator.stop()


SMALLEST = {offer.name.partition("-")[0]: offer for offer in reversed(CATALOG.machine_types)}
"""The smallest of each family."""


@pytest.mark.parametrize(
    "offers",
    [
        pytest.param([SMALLEST["e2"], SMALLEST["g2"], SMALLEST["n1"]], id="those asked for most"),
        pytest.param(CATALOG.machine_types, id="all", marks=pytest.mark.long),
    ],
)
def test_machines_are_made_and_stay_as_they_are(
    terraform: Terraform, tree: Path, emulator: EmulatorProcess, offers: Sequence[MachineType]
) -> None:
    machines = Machines(terraform, tree, emulator)
    desired = {offer.name: inputs(offer) for offer in offers}

    assert machines.plan(desired) == {name: ["create"] for name in desired}
    machines.apply()
    # Nothing is replaced for the local SSDs that some of them bring along.
    assert machines.plan(desired) == {}

    assert machines.adopt(desired) <= ONLY_IN_STATE
    machines.apply()
    assert machines.plan(desired) == {}


def test_a_gpu_that_was_added_is_taken_off_by_replacing_the_machine(
    terraform: Terraform, tree: Path, emulator: EmulatorProcess
) -> None:
    machines = Machines(terraform, tree, emulator)
    with_gpu, without = (offer(name) for name in ("n1-standard-4", "e2-standard-4"))
    before = inputs(with_gpu)
    after = inputs(with_gpu, machine_type=without.name, **specs.accelerator_columns(without))
    machines.plan({"machine": before})
    machines.apply()

    assert machines.plan({"machine": after}) == {"machine": ["update"]}, "Google's provider notices by itself"
    assert machines.plan({"machine": after}, f"-replace=module.machine.{MACHINE}") == {"machine": ["delete", "create"]}
    machines.apply()
    [machine] = emulator.objects("google_compute_instance")
    assert (machine["state"]["machine_type"], machine["state"]["guest_accelerator"]) == ("e2-standard-4", [])
    assert machines.plan({"machine": after}) == {}


def offer(name: str) -> MachineType:
    found = CATALOG.machine_type(name)
    assert found
    return found
