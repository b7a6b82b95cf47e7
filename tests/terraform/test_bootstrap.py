"""`terraform/bootstrap`, applied for real against the emulated Google: it grants what the doctor asks for."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.config import SHARED_PARTS
from app.environment import NOT_FOR_WORKER
from app.services.doctor import google_needs
from tests.emulator_process import EmulatorProcess, start_emulator
from tests.terraform.conftest import Terraform
from tests.terraform.machine import REPOSITORY
from tests.terraform.workstation import example

FOLDER = REPOSITORY / "terraform" / "bootstrap"
PROCESSES = ("web", "worker")
ONLY_BOOTSTRAP = {"cloudbilling.googleapis.com", "iamcredentials.googleapis.com"}
"""For the doctor's own question, and for acting without keys."""


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[EmulatorProcess]:
    emulator = start_emulator(tmp_path / "cloud")
    yield emulator
    emulator.stop()


@pytest.fixture
def bootstrap(tree: Path, emulator: EmulatorProcess, terraform: Terraform) -> Path:
    folder = tree / "bootstrap"
    (folder / "endpoint_override.tf.json").write_text(
        json.dumps({"provider": {"google": {"compute_custom_endpoint": f"{emulator.url}/compute/v1/"}}})
    )
    (folder / "terraform.tfvars").write_text(example(folder / "README.md", "hcl"))
    terraform(folder, "init")
    return folder


def roles_of_worker(emulator: EmulatorProcess) -> set[str]:
    grants = [grant["state"] for grant in emulator.objects("google_project_iam_member")]
    return {grant["role"] for grant in grants if grant["member"].startswith("serviceAccount:stationmaster-worker@")}


def may_know(process: str, setting: str) -> bool:
    """Whether `up` hands this setting to the process."""
    return process == "web" or setting not in NOT_FOR_WORKER


def readings(emulator: EmulatorProcess) -> set[tuple[str, str]]:
    """Which secret which process may read."""
    grants = [grant["state"] for grant in emulator.objects("google_secret_manager_secret_iam_member")]
    assert {grant["role"] for grant in grants} == {"roles/secretmanager.secretAccessor"}
    accounts = {
        f"serviceAccount:stationmaster-{name}@pocket-project.iam.gserviceaccount.com": name for name in PROCESSES
    }
    return {(grant["secret_id"].rpartition("/")[2], accounts[grant["member"]]) for grant in grants}


def apis_of(emulator: EmulatorProcess) -> set[str]:
    return {service["state"]["service"] for service in emulator.objects("google_project_service")}


def test_it_is_applied_changed_and_grants_what_the_doctor_asks_for(
    bootstrap: Path, emulator: EmulatorProcess, terraform: Terraform
) -> None:
    off = ["compute.googleapis.com", "storage.googleapis.com"]
    emulator.call("PATCH", "/_emulator/project", {"apis_off": off})
    terraform(bootstrap, "apply", "-auto-approve")
    assert emulator.call("GET", "/_emulator/project")["apis_off"] == []
    chosen = (google_needs.WORKSTATIONS, "access", "storage")
    assert roles_of_worker(emulator) == set(google_needs.grants(chosen))
    assert apis_of(emulator) == set(google_needs.apis(chosen)) | ONLY_BOOTSTRAP
    assert not emulator.objects("google_service_account_key")
    assert not emulator.objects("google_secret_manager_secret_version")
    [conditioned] = [
        grant["state"]["condition"]
        for grant in emulator.objects("google_project_iam_member")
        if grant["state"].get("condition")
    ]
    number = emulator.call("GET", "/v3/projects/pocket-project")["name"]
    assert f'startsWith("{number}/secrets/COMPUTE-STATIONMASTER-")' in conditioned[0]["expression"]
    assert "No changes" in terraform(bootstrap, "plan")

    everything = f"-var=shared_parts={json.dumps(SHARED_PARTS)}"
    terraform(bootstrap, "apply", "-auto-approve", everything)
    parts = (google_needs.WORKSTATIONS, *SHARED_PARTS)
    assert roles_of_worker(emulator) == set(google_needs.grants(parts))
    assert apis_of(emulator) == set(google_needs.apis(parts)) | ONLY_BOOTSTRAP
    settings = terraform(bootstrap, "output", "-raw", "settings")
    assert "export STATIONMASTER_GOOGLE_PROJECT=pocket-project\n" in settings
    assert f"export STATIONMASTER_SHARED_PARTS={','.join(sorted(SHARED_PARTS))}\n" in settings
    assert "EMAIL=stationmaster-workstation@pocket-project.iam.gserviceaccount.com\n" in settings
    exported = re.findall(r"export (\w+)=\"\$\(gcloud .* --secret=([\w-]+) --project=pocket-project\)", settings)
    assert "stationmaster-encryption-keys" in dict(exported).values()
    assert readings(emulator) == {
        (secret, process) for name, secret in exported for process in PROCESSES if may_know(process, name)
    }

    terraform(bootstrap, "destroy", "-auto-approve", everything)
    # APIs stay on: others may use them.
    assert {thing["type"] for thing in emulator.objects()} == {"google_project_service"}


def test_every_part_is_known_to_the_settings_the_doctor_and_bootstrap() -> None:
    source = (FOLDER / "parts.tf").read_text().partition("  parts = {")[2]
    assert tuple(re.findall(r"^    (\w+) = \{", source, re.MULTILINE)) == SHARED_PARTS
    assert set(google_needs.NEEDS) == {google_needs.WORKSTATIONS, *SHARED_PARTS}


def test_the_readme_lists_every_variable_with_its_default() -> None:
    source = (FOLDER / "variables.tf").read_text()
    defaults = {}
    for name, body in re.findall(r'^variable "(\w+)" \{\n(.*?)^\}$', source, re.MULTILINE | re.DOTALL):
        default = re.search(r"^  default\s+= (.+)$", body, re.MULTILINE)
        defaults[name] = f"`{default[1]}`" if default else "required"
    section = (FOLDER / "README.md").read_text().split("## Variables")[1]
    assert dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", section, re.MULTILINE)) == defaults
