"""The Terraform of one workstation: its format, its fit to both provider schemas, and its own tests."""

import json
import re
from pathlib import Path

import pytest

from tests.terraform.conftest import REPOSITORY, Terraform

FOLDERS = ("bootstrap", "workstation", "modules/compute", "modules/compute_configure")
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


def example(readme: Path, language: str) -> str:
    found = re.findall(rf"^```{language}\n(.*?)^```$", readme.read_text(), re.MULTILINE | re.DOTALL)
    assert len(found) == 1, f"{readme} should hold one example in {language}"
    return str(found[0])


def test_files_are_formatted(terraform: Terraform) -> None:
    terraform(REPOSITORY / "terraform", "fmt", "-check", "-diff", "-recursive")


@pytest.mark.parametrize("version", [OTHER, PINNED])
@pytest.mark.parametrize("name", FOLDERS)
def test_configuration_is_valid(terraform: Terraform, tree: Path, name: str, version: str) -> None:
    folder = tree / name
    use_provider(folder, version)
    terraform(folder, "init", "-backend=false")
    assert chosen_provider(folder) == version
    assert not json.loads(terraform(folder, "validate", "-json"))["diagnostics"]


@pytest.mark.parametrize("name", FOLDERS)
def test_own_tests_of_the_folder_pass(terraform: Terraform, tree: Path, name: str) -> None:
    folder = tree / name
    terraform(folder, "init", "-backend=false")
    assert chosen_provider(folder) == PINNED
    assert "0 failed" in terraform(folder, "test")


def test_variables_in_the_readme_plan_a_workstation(terraform: Terraform, tree: Path) -> None:
    """The example goes where the portal's file goes, so a variable that is unknown or refused fails the plan."""
    folder = tree / "workstation"
    variables = example(tree / "README.md", "json")
    (folder / "terraform.tfvars.json").write_text(variables)
    for test in (folder / "tests").iterdir():
        test.unlink()
    (folder / "tests" / "readme.tftest.hcl").write_text(
        'mock_provider "google" {}\n'
        'run "readme" {\n  command = plan\n  assert {\n'
        f'    condition     = output.instance_name == "{json.loads(variables)["name"]}"\n'
        '    error_message = "The machine has the name of the example."\n  }\n}\n'
    )
    terraform(folder, "init", "-backend=false")
    assert "1 passed, 0 failed" in terraform(folder, "test")


def test_readmes_of_the_modules_hold_valid_examples(terraform: Terraform, tree: Path) -> None:
    folder = tree / "examples"
    folder.mkdir()
    for module in ("compute", "compute_configure"):
        (folder / f"{module}.tf").write_text(example(tree / "modules" / module / "README.md", "hcl"))
    terraform(folder, "init", "-backend=false")
    assert not json.loads(terraform(folder, "validate", "-json"))["diagnostics"]


def test_readme_lists_every_variable_with_its_default() -> None:
    source = (REPOSITORY / "terraform/workstation/variables.tf").read_text()
    blocks = re.findall(r'^variable "(\w+)" \{\n(.*?)^\}$', source, re.MULTILINE | re.DOTALL)
    defaults = {}
    for name, body in blocks:
        default = re.search(r"^  default\s+= (.+)$", body, re.MULTILINE)
        defaults[name] = f"`{default[1]}`" if default else "required"
    readme = (REPOSITORY / "terraform/README.md").read_text()
    section = readme.split("## Variables of `workstation`")[1].split("\n## ")[0]
    assert dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", section, re.MULTILINE)) == defaults


@pytest.mark.parametrize("file", sorted((REPOSITORY / "terraform").rglob("variables.tf")), ids=lambda f: f.parent.name)
def test_variables_stand_in_alphabetical_order(file: Path) -> None:
    names = re.findall(r'^variable "(\w+)"', file.read_text(), re.MULTILINE)
    assert names == sorted(names)
