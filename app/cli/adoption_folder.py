"""Terraform in a folder of its own, for adoption: what exists is found by name and written into a state.

Nothing is changed at Google in here: `terraform import` and `terraform plan` only read.
"""

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.config import Settings
from app.errors import ConflictError, UnavailableError
from app.infra import terraform
from app.services.by_hand.adoptions import Begun
from app.services.terraform import plan_view
from app.services.terraform.scrub import Scrubber, secrets_of_settings
from app.services.terraform.state_resources import instances
from app.services.terraform.state_versions import State
from app.worker.adopt_shared import stacks_named_by
from app.worker.commands import NOT_THERE
from app.worker.folder import RunFolder

PLAN_FILE = "adopt.tfplan"


@dataclass(frozen=True)
class Found:
    """Something that exists, and that the stack would make."""

    address: str
    resource_id: str
    attributes: dict[str, Any]


class Adoption:
    """One search, in a folder that is thrown away afterwards."""

    def __init__(self, path: Path, root: Path, begun: Begun, settings: Settings) -> None:
        self._begun, self._folder = begun, RunFolder(path)
        self._folder.prepare(root, begun.inputs, begun.state)
        self._terraform = terraform.executable(settings.terraform)
        self._environment = terraform.environment(self._folder.temporary) | {
            f"TF_VAR_{name}": value for name, value in begun.secrets.items()
        }
        self._clean = Scrubber({*secrets_of_settings(settings), *begun.secrets.values()}).clean

    def remove(self) -> None:
        """Remove the folder."""
        self._folder.remove()

    def plan(self, *options: str) -> dict[str, Any]:
        """The plan, attribute by attribute."""
        self._run("plan", *options, out=PLAN_FILE)
        code, shown, complaint = self._call("show", PLAN_FILE, json=terraform.FLAG)
        if code:
            raise UnavailableError(f"Terraform could not show its plan:\n{self._clean(complaint)}")
        return dict(json.loads(shown))

    def look(self, address: str, resource_id: str) -> Found | None:
        """What is there under this id; None where there is nothing.

        Raises ConflictError for what another stack has.
        """
        probe = self._folder.work / "probe.tfstate"
        probe.unlink(missing_ok=True)
        code, _, complaint = self._call(
            "import", address, resource_id, input=False, no_color=terraform.FLAG, state=probe.name
        )
        if code and NOT_THERE in complaint:
            return None
        if code:
            raise UnavailableError(f"Looking for {resource_id} failed:\n{self._clean(complaint)}")
        state = State(probe.read_bytes())
        if stacks_named_by(state) - {None, self._begun.stack_id}:
            raise ConflictError(f"{resource_id} belongs to another stack of a portal.")
        return Found(address, resource_id, dict(next(instances(state)).attributes.value))

    def write_variables(self, inputs: dict[str, Any]) -> None:
        """Other variables, now that more is known."""
        self._folder.write_variables(inputs)

    def take_in(self, found: list[Found], say: Callable[[str], None]) -> None:
        """Write them into the state."""
        for each in found:
            say(f"Taking in {each.resource_id}")
            self._run("import", each.address, each.resource_id)

    def consequences(self, found: list[Found]) -> dict[str, str]:
        """Address → what the stack's next run would do with what was taken in.

        Raises ConflictError where one would be replaced or destroyed.
        """
        changes = plan_view.managed_changes(self.plan())
        addresses = {each.address: each.resource_id for each in found}
        actions = {change["address"]: change for change in changes if change["address"] in addresses}
        told = {address: plan_view.action(change) for address, change in actions.items()}
        if lost := [address for address, action in told.items() if action in {"delete", "replace"}]:
            reasons = [_reason(addresses[address], actions[address]) for address in lost]
            raise ConflictError("\n".join([*reasons, "Nothing was taken over."]))
        return {address: told.get(address, "stays as it is") for address in addresses}

    @property
    def state(self) -> State:
        """With what was taken in."""
        state = self._folder.read_state()
        if state is None:
            raise UnavailableError("Terraform left no state.")
        return state

    def _run(self, name: str, *arguments: str, **options: object) -> None:
        code, output, complaint = self._call(name, *arguments, input=False, no_color=terraform.FLAG, **options)
        if code:
            raise UnavailableError(f"terraform {name} failed:\n{self._clean(complaint or output)}")

    def _call(self, name: str, *arguments: str, **options: object) -> tuple[int, str, str]:
        done = subprocess.run(
            terraform.command(self._terraform, name, *arguments, **options),
            cwd=self._folder.work,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr


def _reason(resource_id: str, change: dict[str, Any]) -> str:
    forced = [".".join(map(str, path)) for path in change["change"].get("replace_paths") or []]
    because = f", since it differs in {', '.join(forced)}" if forced else ""
    return f"{resource_id} would be {plan_view.action(change)}d{because}."
