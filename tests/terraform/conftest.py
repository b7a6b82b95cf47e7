"""Runs the real Terraform over copies of `terraform/`, with the emulator's provider in place of Google's."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from emulator.provider.mirror import write_mirror
from tests.emulator_process import EmulatorProcess, start_emulator
from tests.terraform.machine import REPOSITORY, Machine
from tests.terraform.workstation import Workstation

Terraform = Callable[..., str]


@pytest.fixture(scope="session")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    """`terraform(folder, "validate")` gives what Terraform printed; a failure of Terraform fails the test with it.

    `variables` are given by environment, as secrets are.
    """
    command = [shutil.which("terraform") or sys.executable]
    if command == [sys.executable]:
        command += ["-m", "app.infra.terraform_cli"]
    # Nothing of the caller's Terraform or Google Cloud may decide a test.
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "GOOGLE_", "CLOUDSDK_"))}
    ours |= {
        "CHECKPOINT_DISABLE": "1",
        "TF_CLI_CONFIG_FILE": str(write_mirror(tmp_path_factory.mktemp("mirror"))),
        "TF_DISABLE_PLUGIN_TLS": "1",
        "TF_IN_AUTOMATION": "1",
    }

    def run(folder: Path, *arguments: str, variables: Mapping[str, str] | None = None) -> str:
        given = {f"TF_VAR_{name}": value for name, value in (variables or {}).items()}
        done = subprocess.run(
            [*command, *arguments], cwd=folder, env=ours | given, capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.fail(
                f"terraform {' '.join(arguments)} in {folder.name}:\n{done.stdout}\n{done.stderr}", pytrace=False
            )
        return done.stdout

    return run


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of `terraform/`: init writes into the folder it runs in."""
    return Path(
        shutil.copytree(REPOSITORY / "terraform", tmp_path / "terraform", ignore=shutil.ignore_patterns(".terraform*"))
    )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine without a disk that has not booted yet."""
    return Machine(tmp_path)


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[EmulatorProcess]:
    emulator = start_emulator(tmp_path)
    yield emulator
    emulator.stop()


@pytest.fixture
def workstation(terraform: Terraform, tree: Path, emulator: EmulatorProcess) -> Workstation:
    return Workstation(terraform, tree, emulator)
