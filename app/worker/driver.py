"""Runs Terraform in a prepared folder and waits for it: for commands that change nothing at Google.

Commands that do are steps, which outlive their worker (commands.py).
"""

import asyncio
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.infra import terraform
from app.services.terraform.state_versions import State
from app.worker.folder import RunFolder

_NOT_THERE = "Cannot import non-existent remote object"
"""Terraform's error when the resource to import does not exist."""
_PROBE = "probe.tfstate"


class TerraformError(Exception):
    """A command failed. The message is the command and Terraform's error."""


@dataclass(frozen=True)
class Driver:
    """Terraform in one folder."""

    folder: RunFolder
    executable: tuple[str, ...]
    secrets: Mapping[str, str]
    """Variables that are passed in the environment only, by name."""

    @property
    def environment(self) -> dict[str, str]:
        """Terraform's environment variables, including secrets."""
        secrets = {f"TF_VAR_{name}": value for name, value in self.secrets.items()}
        return terraform.environment(self.folder.temporary) | secrets

    async def plan(self, out: str, *options: str) -> None:
        """Write a plan to a file. Raises TerraformError."""
        await self._done("plan", *options, input=False, no_color=terraform.FLAG, out=out)

    async def show(self, plan: str) -> dict[str, Any]:
        """A plan file as JSON. Raises TerraformError."""
        return dict(json.loads(await self._done("show", plan, json=terraform.FLAG)))

    async def import_resource(self, address: str, resource_id: str) -> None:
        """Import an existing resource into the state. Raises TerraformError."""
        await self._done("import", address, resource_id, input=False, no_color=terraform.FLAG)

    async def probe(self, address: str, resource_id: str) -> State | None:
        """The resource with this ID as a separate state; None if it does not exist. The folder's state does not change.

        Raises TerraformError.
        """
        file = self.folder.work / _PROBE
        # Terraform would add to an existing state.
        file.unlink(missing_ok=True)
        options: dict[str, object] = {"input": False, "no_color": terraform.FLAG, "state": file.name}
        code, _, error = await self._call("import", address, resource_id, **options)
        if code == 0:
            return State(file.read_bytes())
        if _NOT_THERE in error:
            return None
        raise TerraformError(f"Looking for {resource_id} failed:\n{error}")

    async def _done(self, name: str, *arguments: str, **options: object) -> bytes:
        code, output, error = await self._call(name, *arguments, **options)
        if code:
            raise TerraformError(f"terraform {name} failed:\n{error or output.decode(errors='replace')}")
        return output

    async def _call(self, name: str, *arguments: str, **options: object) -> tuple[int, bytes, str]:
        process = await asyncio.create_subprocess_exec(
            *terraform.command(self.executable, name, *arguments, **options),
            cwd=self.folder.work,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        output, error = await process.communicate()
        return process.returncode or 0, output, error.decode(errors="replace")
