"""`terraform import`, by which the portal finds what an interrupted apply left: from every state, in any order."""

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.worker.adopt_shared import IDS, planned_creates
from app.worker.decide import MACHINE
from tests.emulator_process import EmulatorProcess, start_emulator
from tests.terraform.adoption import ONLY_IN_STATE, differing
from tests.terraform.conftest import Terraform
from tests.terraform.shared_stack import EVERYTHING, SECRETS, SPEC, SharedStack
from tests.terraform.workstation import example

WANTED = EVERYTHING | {"members": {"grace": "user:grace@example.com", "linus": "user:linus@example.com"}}
WORKSTATION = "projects/pocket-project/zones/europe-west4-a/instances/grace-gpu-k3x9q2"
WEB = "projects/pocket-project/serviceAccounts/stationmaster-web@pocket-project.iam.gserviceaccount.com"


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[EmulatorProcess]:
    emulator = start_emulator(tmp_path)
    yield emulator
    emulator.stop()


@pytest.fixture
def stack(terraform: Terraform, tree: Path, emulator: EmulatorProcess) -> SharedStack:
    return SharedStack(terraform, tree / "shared", emulator)


def variables_of(root: str, tree: Path) -> dict[str, str]:
    """Files of variables: name → content."""
    if root == "bootstrap":
        return {"terraform.tfvars": example(tree / root / "README.md", "hcl")}
    if root == "workstation":
        return {"terraform.tfvars.json": example(tree / "README.md", "json")}
    return {"terraform.tfvars.json": json.dumps(SPEC | WANTED)}


@pytest.mark.parametrize(
    ("root", "address", "resource_id"),
    [
        ("bootstrap", "google_service_account.web", WEB),
        ("shared", "module.storage[0].google_storage_bucket.data_logs", "data-logs-vision"),
        ("workstation", MACHINE, WORKSTATION),
    ],
)
def test_an_import_needs_nothing_that_only_an_apply_knows(
    terraform: Terraform, tree: Path, emulator: EmulatorProcess, root: str, address: str, resource_id: str
) -> None:
    """A count or a key that follows from an attribute would be an error beside the one that there is."""
    folder = tree / root
    provider = {"google": {"compute_custom_endpoint": emulator.env["GOOGLE_COMPUTE_CUSTOM_ENDPOINT"]}}
    (folder / "providers_override.tf.json").write_text(json.dumps({"provider": provider}))
    for name, content in variables_of(root, tree).items():
        (folder / name).write_text(content)
    terraform(folder, "init")

    with pytest.raises(pytest.fail.Exception) as refused:
        terraform(folder, "import", "-no-color", address, resource_id, variables=SECRETS if root == "shared" else None)
    assert re.findall(r"Error: (.+)", str(refused.value)) == ["Cannot import non-existent remote object"]


def forget(stack: SharedStack, chance: float, seed: int) -> None:
    """Take each resource out of the state with this chance, as if Terraform had been killed before it wrote it down."""
    file = stack.folder / "terraform.tfstate"
    state = json.loads(file.read_text())
    draw = random.Random(seed)
    for resource in state["resources"]:
        resource["instances"] = [each for each in resource["instances"] if draw.random() >= chance]
    state["resources"] = [resource for resource in state["resources"] if resource["instances"]]
    state["serial"] += 1
    file.write_text(json.dumps(state))


def take_in(stack: SharedStack) -> dict[str, str]:
    """As the portal does it: what the plan would create is imported by its name, until there is nothing more."""
    taken: dict[str, str] = {}
    while True:
        stack.run("plan", "-refresh=false", "-out=found.tfplan")
        shown: dict[str, Any] = json.loads(stack.run("show", "-json", "found.tfplan"))
        wanted = [(address, id_) for address, _, id_ in planned_creates(shown) if address not in taken]
        if not wanted:
            return taken
        for address, id_ in wanted:
            # Looked at in a state of its own first, to see whose it is.
            stack.run("import", "-state=probe.tfstate", address, id_)
            (stack.folder / "probe.tfstate").unlink()
            stack.run("import", address, id_)
            taken[address] = id_


def type_of(address: str) -> str:
    """The type in an address, whose key may have dots."""
    return address.partition('["')[0].split(".")[-2]


@pytest.mark.long
@pytest.mark.parametrize(("chance", "seed"), [(1.0, 1), (0.5, 1), (0.5, 2)], ids=["all", "some", "others"])
def test_the_shared_stack_is_taken_in_again_whatever_was_lost(stack: SharedStack, chance: float, seed: int) -> None:
    stack.apply(**WANTED)
    forget(stack, chance, seed)

    taken = take_in(stack)

    assert taken
    if chance == 1.0:
        assert {type_of(address) for address in taken} == set(IDS)
    stack.plan(**WANTED)
    changes = json.loads(stack.run("show", "-json", "tfplan"))["resource_changes"]
    looked_for = [change for change in changes if change["type"] in IDS]
    assert differing({"resource_changes": looked_for}) <= ONLY_IN_STATE
    assert [change for change in changes if "delete" in change["change"]["actions"]] == []
    stack.run("apply", "tfplan")
    assert stack.plan(**WANTED) == {}
    stack.destroy()
    assert {type_ for type_ in stack.left() if type_ in IDS} == set()
