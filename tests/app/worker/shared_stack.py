"""The shared stack with Terraform's answers to be scripted."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.models import RunStatus, SharedStack
from app.services import decisions, runs
from app.services.people import members
from app.services.shared import shared_settings, shared_stack
from app.worker.claim import Tools
from app.worker.execute import execute
from tests.app.worker.scripted import Script, run_of, tells
from tests.parts import identity

FIREWALL = 'google_compute_firewall.ingress["mlflow-access"]'
BUCKET = "module.storage[0].google_storage_bucket.data_logs"


def change(address: str, action: str, **before: object) -> dict[str, Any]:
    """One resource of a plan, as `terraform show -json` has it."""
    actions = {"replace": ["delete", "create"]}.get(action, [action])
    type_, name = re.sub(r"\[.*\]$", "", address).split(".")[-2:]
    return {
        "address": address,
        "mode": "managed",
        "type": type_,
        "name": name,
        "change": {"actions": actions, "before": before or None, "after": None},
    }


@dataclass
class Shared:
    """Ada's shared stack, with Terraform's answers to be scripted."""

    tools: Tools
    script: Script

    def __post_init__(self) -> None:
        root = self.tools.settings.terraform_dir / "shared"
        root.mkdir()
        (root / "main.tf").write_text("# nothing")

    def plans_to(self, *changes: dict[str, Any], outputs: bool = False) -> None:
        events = "".join(tells("planned_change", each["address"], each["change"]["actions"][-1]) for each in changes)
        self.script.on("plan", f"echo plan > tfplan\n{events}")
        shown: dict[str, Any] = {"resource_changes": list(changes)}
        if outputs:
            shown["output_changes"] = {"mlflow_url": {"actions": ["create"], "after": "http://mlflow"}}
        self.script.on("show", f"cat <<'END'\n{json.dumps(shown)}\nEND\n")

    def leaves(self, serial: int, *resources: dict[str, Any], **outputs: object) -> None:
        values = {name: {"value": value} for name, value in outputs.items()}
        values["password"] = {"value": "very-secret", "sensitive": True}
        state = {"version": 4, "serial": serial, "lineage": "one", "outputs": values, "resources": resources}
        self.script.on(
            "apply", f"env | sort > {self.script.folder}/env\necho '{json.dumps(state)}' > terraform.tfstate\n"
        )

    async def configure(self, **fields: object) -> str:
        async with self.tools.database.sessions.begin() as session:
            ada = await members.sign_in(self.tools.context(session), identity("ada"))
            stack = await shared_stack.find(self.tools.context(session))
            chosen = shared_settings.of(stack, self.tools.settings).model_copy(update=fields)
            spec = shared_stack.SharedStackSpec(chosen)
            return (await shared_stack.request(self.tools.context(session).acting(ada), stack, spec)).id

    async def ask(self, kind: str) -> str:
        async with self.tools.database.sessions.begin() as session:
            ada = await members.sign_in(self.tools.context(session), identity("ada"))
            stack = await shared_stack.find(self.tools.context(session))
            asked = {"check": shared_stack.check, "destroy": shared_stack.request_destroy}[kind]
            return (await asked(self.tools.context(session).acting(ada), stack)).id

    async def approve(self, run_id: str, names: Sequence[str] = ()) -> None:
        async with self.tools.database.sessions.begin() as session:
            ada = await members.sign_in(self.tools.context(session), identity("ada"))
            await decisions.approve(
                self.tools.context(session).acting(ada), await runs.find(session, ada, run_id), names
            )

    async def stack(self) -> SharedStack:
        async with self.tools.database.sessions.begin() as session:
            return await shared_stack.find(self.tools.context(session))

    async def applied(self, *resources: dict[str, Any], **fields: object) -> None:
        """It is there."""
        self.plans_to(change(BUCKET, "create"))
        self.leaves(3, *resources, mlflow_url="http://mlflow")
        run_id = await self.configure(**fields)
        await execute(self.tools, run_id)
        await self.approve(run_id)
        await execute(self.tools, run_id)
        assert (await run_of(self.tools, run_id)).status is RunStatus.APPLIED
