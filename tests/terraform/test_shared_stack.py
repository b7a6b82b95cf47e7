"""The shared stack, applied and destroyed by the real Terraform in the emulated cloud."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.emulator_process import EmulatorProcess, start_emulator
from tests.terraform.conftest import Terraform

STACK_ID = "k3x9q2"
WISH = {
    "project": "pocket-project",
    "region": "europe-west4",
    "zone": "europe-west4-a",
    "prefix": "vision",
    "stack_id": STACK_ID,
    "iam_admins": ["user:ada@example.com"],
    "members": {"grace": "user:grace@example.com", "linus": "user:linus@example.com"},
    "mlflow_allowed_ips": ["203.0.113.7/32", "2001:db8::/48"],
    "ssh_allowed_ips": ["198.51.100.0/24", "2001:db8:1::/48"],
    "deletion_protection": False,
}
SWITCHES = {
    "authoritative_admins": False,
    "create_service_account_keys": False,
    "deploy_docker_registry": True,
    "deploy_kubernetes": False,
    "deploy_mlflow": True,
    "deploy_pypi_registry": True,
    "deploy_service_accounts": True,
    "deploy_sql": True,
    "deploy_storage": True,
    "enable_services": True,
    "member_service_accounts": False,
}
EVERYTHING = dict.fromkeys(SWITCHES, True)
NOTHING = dict.fromkeys(SWITCHES, False)
SECRETS = {
    "mlflow_admin_password": "admin-Sesame-1",
    "mlflow_member_password": "member-Sesame-1",
    "mlflow_secret_key": "flask-Sesame-1",
    "sql_password": "sql-Sesame-1",
}
WITHOUT_A_STACK_ID = ("_iam_member", "_iam_binding", "_peering", "_connection", "_version", "_key", "_nat", "_service", "_user", "_database")
"""Types with neither labels nor a description."""


class SharedStack:
    """One folder with the root, and what is done with it."""

    def __init__(self, terraform: Terraform, root: Path, emulator: EmulatorProcess) -> None:
        self._terraform, self.root, self.emulator = terraform, root, emulator

    def run(self, *arguments: str) -> str:
        return self._terraform(self.root, *arguments, variables=SECRETS)

    def wish(self, **changes: Any) -> None:
        (self.root / "terraform.tfvars.json").write_text(json.dumps({**WISH, **changes}))

    def plan(self, *arguments: str, **changes: Any) -> dict[str, str]:
        """What would be done, by address, kept as `tfplan`."""
        self.wish(**changes)
        self.run("plan", "-out=tfplan", *arguments)
        shown = json.loads(self.run("show", "-json", "tfplan"))
        actions = {change["address"]: change["change"]["actions"] for change in shown["resource_changes"]}
        return {address: "+".join(done) for address, done in actions.items() if done != ["no-op"]}

    def apply(self, **changes: Any) -> dict[str, str]:
        planned = self.plan(**changes)
        self.run("apply", "tfplan")
        return planned

    def destroy(self) -> None:
        self.run("destroy", "-auto-approve")

    def outputs(self) -> dict[str, Any]:
        shown = json.loads(self.run("output", "-json"))
        return {name: output["value"] for name, output in shown.items()}


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    emulator = start_emulator(tmp_path_factory.mktemp("cloud"))
    yield emulator
    emulator.stop()


@pytest.fixture
def stack(terraform: Terraform, tree: Path, emulator: EmulatorProcess) -> SharedStack:
    folder = tree / "shared"
    provider = {"google": {"compute_custom_endpoint": emulator.env["GOOGLE_COMPUTE_CUSTOM_ENDPOINT"]}}
    (folder / "providers_override.tf.json").write_text(json.dumps({"provider": provider}))
    terraform(folder, "init")
    return SharedStack(terraform, folder, emulator)


def test_everything_on_then_destroyed_to_nothing(stack: SharedStack) -> None:
    print(len(stack.apply(**EVERYTHING)))
    assert stack.plan(**EVERYTHING) == {}
    print(stack.outputs())
    for o in stack.emulator.objects(): print(o["type"], o["id"])
    stack.destroy()
    assert stack.emulator.objects() == []
