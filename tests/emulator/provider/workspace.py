"""A folder with a small root module, and Terraform run in it."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent / "root"
KEPT = ("PATH", "HOME", "LANG", "TMPDIR")


class Workspace:
    def __init__(self, terraform: list[str], folder: Path, cli_config: Path, version: str = "8.7.0") -> None:
        self.terraform = terraform
        self.folder = folder
        self.version = version
        self.environment = {name: os.environ[name] for name in KEPT if name in os.environ} | {
            "CHECKPOINT_DISABLE": "1",
            "EMULATOR_POLL_SECONDS": "0.05",
            "TF_CLI_CONFIG_FILE": str(cli_config),
            "TF_DISABLE_PLUGIN_TLS": "1",
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
        }

    def write_root(self) -> None:
        """The root module of these tests, pinned to this workspace's provider version."""
        shutil.copytree(ROOT, self.folder, dirs_exist_ok=True)
        self.replace("8.7.0", self.version)

    def copy(self, folder: Path) -> "Workspace":
        shutil.copytree(self.folder, folder, symlinks=True)
        other = Workspace(self.terraform, folder, Path(self.environment["TF_CLI_CONFIG_FILE"]), self.version)
        other.environment = dict(self.environment)
        return other

    def replace(self, old: str, new: str) -> None:
        """Edit main.tf."""
        path = self.folder / "main.tf"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [*self.terraform, *arguments, "-no-color"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, exits: int = 0) -> str:
        """Everything that Terraform prints, its boxes unfolded into single lines."""
        process = self.start(*arguments)
        output, _ = process.communicate()
        assert process.returncode == exits, output
        return unfold(output)

    def apply(self, *arguments: str, exits: int = 0) -> str:
        return self.run("apply", "-auto-approve", *arguments, exits=exits)

    def plan(self, *arguments: str) -> dict[str, str]:
        """What would be done, by address: create, update, replace or delete. The plan is kept as `tfplan`."""
        process = self.start("plan", "-json", "-out=tfplan", *arguments)
        output, _ = process.communicate()
        assert process.returncode == 0, output
        events = [json.loads(line) for line in output.splitlines()]
        changes = [event["change"] for event in events if event["type"] == "planned_change"]
        return {change["resource"]["addr"]: change["action"] for change in changes}

    def state(self) -> dict[str, dict[str, Any]]:
        """The attributes of each managed resource that the state knows, by `type.name`."""
        path = self.folder / "terraform.tfstate"
        resources = json.loads(path.read_text())["resources"] if path.exists() else []
        return {
            f"{resource['type']}.{resource['name']}": resource["instances"][0]
            for resource in resources
            if resource["mode"] == "managed" and resource["instances"]
        }


def unfold(output: str) -> str:
    """Terraform breaks its lines and draws bars beside errors; tests look for sentences."""
    return " ".join(output.replace("│", " ").split())
