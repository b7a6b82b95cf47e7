"""What is in `terraform/`: its format, its fit to both provider schemas, its own tests, and its READMEs."""

import json
import re
from pathlib import Path

import pytest

from tests.terraform.conftest import Terraform
from tests.terraform.machine import REPOSITORY
from tests.terraform.shared_stack import SECRETS
from tests.terraform.workstation import example

SOURCE = REPOSITORY / "terraform"
ROOTS = sorted(file.parent.name for file in SOURCE.glob("*/versions.tf"))
MODULES = sorted(file.parent.name for file in SOURCE.glob("modules/*/versions.tf"))
TESTED = sorted({str(file.parent.parent.relative_to(SOURCE)) for file in SOURCE.rglob("*.tftest.hcl")})
# Where the table of a root's variables is.
TABLES = {"shared": "shared/README.md", "workstation": "README.md"}
PINNED = "8.7.0"
OTHER = "7.45.0"


def use_provider(folder: Path, version: str) -> None:
    """Terraform merges a file of this name over the others."""
    override = {"terraform": {"required_providers": {"google": {"source": "hashicorp/google", "version": version}}}}
    (folder / "versions_override.tf.json").write_text(json.dumps(override))


def chosen_provider(folder: Path) -> str:
    lock = (folder / ".terraform.lock.hcl").read_text()
    found = re.search(r'^  version\s+= "(.+)"$', lock, re.MULTILINE)
    assert found, lock
    return found[1]


def test_files_are_formatted(terraform: Terraform) -> None:
    terraform(SOURCE, "fmt", "-check", "-diff", "-recursive")


@pytest.mark.parametrize("version", [OTHER, PINNED])
@pytest.mark.parametrize("name", ROOTS)
def test_configuration_is_valid(terraform: Terraform, tree: Path, name: str, version: str) -> None:
    """With the modules that it calls."""
    folder = tree / name
    use_provider(folder, version)
    terraform(folder, "init", "-backend=false")
    assert chosen_provider(folder) == version
    assert not json.loads(terraform(folder, "validate", "-json"))["diagnostics"]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] if name == "shared" else []) for name in TESTED]
)
def test_own_tests_of_the_folder_pass(terraform: Terraform, tree: Path, name: str) -> None:
    folder = tree / name
    terraform(folder, "init", "-backend=false")
    assert chosen_provider(folder) == PINNED
    assert "0 failed" in terraform(folder, "test")


def test_everything_has_tests_of_its_own() -> None:
    assert {*ROOTS, *(f"modules/{name}" for name in MODULES)} == set(TESTED)


@pytest.mark.parametrize("name", TABLES)
def test_variables_in_the_readme_make_a_plan(terraform: Terraform, tree: Path, name: str) -> None:
    """The example goes where the portal's file goes, so a variable that is unknown or refused fails the plan."""
    folder = tree / name
    variables = example(tree / TABLES[name], "json")
    (folder / "terraform.tfvars.json").write_text(variables)
    for test in (folder / "tests").iterdir():
        test.unlink()
    (folder / "tests" / "readme.tftest.hcl").write_text(
        'mock_provider "google" {}\n'
        'run "readme" {\n  command = plan\n  assert {\n'
        f'    condition     = var.stack_id == "{json.loads(variables)["stack_id"]}"\n'
        '    error_message = "The plan is the example\'s."\n  }\n}\n'
    )
    terraform(folder, "init", "-backend=false")
    assert "1 passed, 0 failed" in terraform(folder, "test", variables=SECRETS if name == "shared" else None)


def test_readmes_of_the_modules_hold_valid_examples(terraform: Terraform, tree: Path) -> None:
    folder = tree / "examples"
    folder.mkdir()
    for module in MODULES:
        (folder / f"{module}.tf").write_text(example(tree / "modules" / module / "README.md", "hcl"))
    terraform(folder, "init", "-backend=false")
    assert not json.loads(terraform(folder, "validate", "-json"))["diagnostics"]


@pytest.mark.parametrize("name", TABLES)
def test_readme_lists_every_variable_with_its_default(name: str) -> None:
    source = "\n".join(file.read_text() for file in (SOURCE / name).glob("variables*.tf"))
    blocks = re.findall(r'^variable "(\w+)" \{\n(.*?)^\}$', source, re.MULTILINE | re.DOTALL)
    defaults = {}
    for variable, body in blocks:
        default = re.search(r"^  default\s+= (.+)$", body, re.MULTILINE)
        defaults[variable] = f"`{default[1]}`" if default else "required"
    section = (SOURCE / TABLES[name]).read_text().split(f"## Variables of `{name}`")[1].split("\n## ")[0]
    assert dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", section, re.MULTILINE)) == defaults


@pytest.mark.parametrize("name", MODULES)
def test_readme_of_a_module_lists_its_outputs(name: str) -> None:
    outputs = re.findall(r'^output "(\w+)"', (SOURCE / "modules" / name / "outputs.tf").read_text(), re.MULTILINE)
    [said] = re.findall(
        r"^Outputs?: (.+?)\.$", (SOURCE / "modules" / name / "README.md").read_text(), re.DOTALL | re.MULTILINE
    )
    assert re.findall(r"`(\w+)`", said) == outputs


@pytest.mark.parametrize(
    "file", sorted(SOURCE.rglob("variables*.tf")), ids=lambda file: f"{file.parent.name}/{file.name}"
)
def test_variables_stand_in_alphabetical_order(file: Path) -> None:
    names = re.findall(r'^variable "(\w+)"', file.read_text(), re.MULTILINE)
    assert names == sorted(names)


def test_every_finding_that_stays_has_its_reason() -> None:
    """Beside it, as checkov reads it (`make checkov`)."""
    skips = [
        line.strip()
        for file in SOURCE.rglob("*.tf")
        for line in file.read_text().splitlines()
        if "checkov:skip" in line
    ]
    assert skips
    assert [line for line in skips if not re.fullmatch(r"#checkov:skip=CKV2?_GCP_\d+:\w.{10,}", line)] == []
