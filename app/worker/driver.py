"""Terraform in a prepared folder, called and waited for: what the worker does beside a run's steps, and the commands.

Nothing in here changes anything at Google; what does is a step (commands.py), which outlives its worker.
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
"""What Terraform says where there is nothing to import."""
_PROBE = "probe.tfstate"


class TerraformError(Exception):
    """A command ended without success; the message is what it was about and what Terraform said."""


@dataclass(frozen=True)
class Driver:
    """Terraform for one folder."""

    folder: RunFolder
    executable: tuple[str, ...]
    secrets: Mapping[str, str]
    """What it is told in its environment alone, by the name of the root's variable."""

    @property
    def environment(self) -> dict[str, str]:
        """What Terraform may know, and no more."""
        secrets = {f"TF_VAR_{name}": value for name, value in self.secrets.items()}
        return terraform.environment(self.folder.temporary) | secrets

    async def plan(self, out: str, *options: str) -> None:
        """Plan into a file. Raises TerraformError."""
        await self._done("plan", *options, input=False, no_color=terraform.FLAG, out=out)

    async def show(self, plan: str) -> dict[str, Any]:
        """A plan file, attribute by attribute. Raises TerraformError."""
        return dict(json.loads(await self._done("show", plan, json=terraform.FLAG)))

    async def import_resource(self, address: str, resource_id: str) -> None:
        """Write into the state what exists at Google (`terraform import`). Raises TerraformError."""
        await self._done("import", address, resource_id, input=False, no_color=terraform.FLAG)

    async def probe(self, address: str, resource_id: str) -> State | None:
        """What exists at Google under this id, as a state that has nothing else in it; None where there is nothing.

        Raises TerraformError.
        """
        file = self.folder.work / _PROBE
        file.unlink(missing_ok=True)
        options: dict[str, object] = {"input": False, "no_color": terraform.FLAG, "state": file.name}
        code, _, complaint = await self._call("import", address, resource_id, **options)
        if code == 0:
            return State(file.read_bytes())
        if _NOT_THERE in complaint:
            return None
        raise TerraformError(f"Looking for {resource_id} failed:\n{complaint}")

    async def _done(self, name: str, *arguments: str, **options: object) -> bytes:
        code, output, complaint = await self._call(name, *arguments, **options)
        if code:
            raise TerraformError(f"terraform {name} failed:\n{complaint or output.decode(errors='replace')}")
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
        output, complaint = await process.communicate()
        return process.returncode or 0, output, complaint.decode(errors="replace")
