import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.provider.mirror import write_mirror
from tests.emulator.provider.cloud import StandIn, running
from tests.emulator.provider.workspace import Workspace


@pytest.fixture(scope="session")
def terraform() -> list[str]:
    """The command: the machine's own Terraform, else the one that the portal would use."""
    found = shutil.which("terraform")
    return [found] if found else [sys.executable, "-m", "app.infra.terraform_cli"]


@pytest.fixture(scope="session")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A terraform.rc, in a folder whose name has a space: a checkout may have one."""
    return write_mirror(tmp_path_factory.mktemp("pro vider"))


@pytest.fixture(scope="session")
def initialised(terraform: list[str], mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """One folder after `terraform init`; tests work in copies of it."""
    workspace = Workspace(terraform, tmp_path_factory.mktemp("root"), mirror)
    workspace.write_root()
    workspace.run("init")
    return workspace


@pytest.fixture
def workspace(initialised: Workspace, tmp_path: Path) -> Workspace:
    """A root of one's own, without a cloud."""
    return initialised.copy(tmp_path / "root")


@pytest.fixture
def cloud() -> Iterator[StandIn]:
    with running() as stand_in:
        yield stand_in


@pytest.fixture
def connected(workspace: Workspace, cloud: StandIn) -> Workspace:
    """A root of one's own whose provider finds the stand-in cloud."""
    workspace.environment["GOOGLE_COMPUTE_CUSTOM_ENDPOINT"] = f"{cloud.url}compute/v1/"
    return workspace
