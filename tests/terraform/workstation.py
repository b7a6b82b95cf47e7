"""The root of a workstation, planned and applied by the real Terraform."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.emulator_process import EmulatorProcess


def example(readme: Path, language: str) -> str:
    """The one example in a language that a README has."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", readme.read_text(), re.MULTILINE | re.DOTALL)
    assert len(found) == 1, f"{readme} should hold one example in {language}"
    return str(found[0])


class Workstation:
    """The root of a workstation in a folder, with the variables of the README's example."""

    def __init__(self, terraform: Callable[..., str], tree: Path, emulator: EmulatorProcess) -> None:
        self._terraform, self._folder = terraform, tree / "workstation"
        self._variables: dict[str, Any] = json.loads(example(tree / "README.md", "json"))
        (self._folder / "providers_override.tf.json").write_text(json.dumps({"provider": provider_of(emulator)}))
        self.run("init")

    @property
    def state(self) -> Path:
        return self._folder / "terraform.tfstate"

    def run(self, *arguments: str) -> str:
        return self._terraform(self._folder, *arguments)

    def plan(self, **changes: Any) -> dict[str, list[str]]:
        """Address → actions of what would change. The plan is kept as `tfplan`."""
        self.write_variables(**changes)
        self.run("plan", "-out=tfplan")
        shown = json.loads(self.run("show", "-json", "tfplan"))
        actions = {change["address"]: change["change"]["actions"] for change in shown["resource_changes"]}
        return {address: done for address, done in actions.items() if done != ["no-op"]}

    def write_variables(self, **changes: Any) -> None:
        self._variables |= changes
        (self._folder / "terraform.tfvars.json").write_text(json.dumps(self._variables))


def provider_of(emulator: EmulatorProcess) -> dict[str, Any]:
    return {"google": {"compute_custom_endpoint": emulator.env["GOOGLE_COMPUTE_CUSTOM_ENDPOINT"]}}
