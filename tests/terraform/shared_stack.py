"""The root of the shared stack in a folder, its settings, and what is done with it."""

import json
from pathlib import Path
from typing import Any

from tests.emulator_process import EmulatorProcess
from tests.terraform.conftest import Terraform

STACK_ID = "k3x9q2"
SPEC = {
    "project": "pocket-project",
    "region": "europe-west4",
    "zone": "europe-west4-a",
    "prefix": "vision",
    "stack_id": STACK_ID,
    "iam_admins": ["user:ada@example.com"],
    "members": {"grace": "user:grace@example.com"},
    "mlflow_allowed_ips": ["203.0.113.7/32", "2001:db8::/48"],
    "ssh_allowed_ips": ["198.51.100.0/24", "2001:db8:1::/48"],
    "deletion_protection": False,
}
SWITCHES = (
    "authoritative_admins",
    "create_service_account_keys",
    "deploy_docker_registry",
    "deploy_kubernetes",
    "deploy_mlflow",
    "deploy_pypi_registry",
    "deploy_service_accounts",
    "deploy_sql",
    "deploy_storage",
    "enable_services",
    "member_service_accounts",
)
EVERYTHING = dict.fromkeys(SWITCHES, True)
NOTHING = dict.fromkeys(SWITCHES, False)
BINDING = "google_project_iam_binding.this[0]"
STAYS = {"google_project_iam_binding", "google_project_service", "google_service_networking_connection"}
SECRETS = {
    "mlflow_admin_password": "admin-Sesame-1",
    "mlflow_member_password": "member-Sesame-1",
    "mlflow_secret_key": "flask-Sesame-1",
    "sql_password": "sql-Sesame-1",
}


class SharedStack:
    """Secrets go by environment and all else by the portal's file."""

    def __init__(self, terraform: Terraform, folder: Path, emulator: EmulatorProcess) -> None:
        self._terraform = terraform
        self.folder = folder
        self.emulator = emulator
        self.secrets = dict(SECRETS)
        provider = {"google": {"compute_custom_endpoint": emulator.env["GOOGLE_COMPUTE_CUSTOM_ENDPOINT"]}}
        (folder / "providers_override.tf.json").write_text(json.dumps({"provider": provider}))
        self.run("init")

    def run(self, *arguments: str) -> str:
        return self._terraform(self.folder, *arguments, variables=self.secrets)

    def plan(self, **spec: Any) -> dict[str, str]:
        """What would be done, by address: create, update, delete, delete+create … The plan is kept as `tfplan`."""
        (self.folder / "terraform.tfvars.json").write_text(json.dumps({**SPEC, **spec}))
        self.run("plan", "-out=tfplan")
        shown = json.loads(self.run("show", "-json", "tfplan"))
        actions = {change["address"]: change["change"]["actions"] for change in shown["resource_changes"]}
        return {address: "+".join(done) for address, done in actions.items() if done not in (["no-op"], ["read"])}

    def apply(self, **spec: Any) -> None:
        self.plan(**spec)
        self.run("apply", "tfplan")

    def forget_binding(self) -> None:
        """Without it in the state, ending it takes the role from nobody."""
        if BINDING in self.run("state", "list"):
            self.run("state", "rm", BINDING)

    def destroy(self) -> None:
        self.forget_binding()
        self.run("destroy", "-auto-approve")

    def holders(self, role: str) -> list[str]:
        """Who has the role in the project."""
        policy = self.emulator.call("POST", "/v3/projects/pocket-project:getIamPolicy", {})
        found = [binding["members"] for binding in policy.get("bindings", []) if binding["role"] == role]
        return sorted(found[0]) if found else []

    def outputs(self) -> dict[str, Any]:
        """Without those that are null."""
        return {name: output["value"] for name, output in json.loads(self.run("output", "-json")).items()}

    def left(self) -> list[str]:
        """Types of what is in the cloud, but for what Terraform leaves: APIs, the service connection, IAM bindings."""
        return [thing["type"] for thing in self.emulator.objects() if thing["type"] not in STAYS]
