"""From what exists to what is wished for: adopt, plan, have it decided, apply; again after trouble that passes."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from app.crypto import Vault
from app.infra import terraform
from app.infra.events import Event
from app.models import Root, Run, RunKind, Stack
from app.services.terraform import plans, state_versions
from app.services.terraform.state_versions import State
from app.worker.adopt import Adoption
from app.worker.adopt_shared import SharedAdoption
from app.worker.claim import Claim
from app.worker.commands import Commands
from app.worker.decide import PLAN_FILE, Decision, replacements
from app.worker.retry import persist


@dataclass(frozen=True)
class Goal:
    """What is to be so in the end."""

    inputs: dict[str, Any]
    kind: RunKind
    root: Root = Root.WORKSTATION

    def deletes_everything(self, state: State | None) -> bool:
        """Destroy, not keeping the disk, or with no disk to keep: a plan to keep one would make it."""
        nothing_to_keep = state is None or state.is_empty
        return self.kind is RunKind.DESTROY and (nothing_to_keep or not self.inputs.get("disk_only"))


@dataclass(frozen=True)
class Standing:
    """What is known before a try."""

    state: State | None
    needs_reconcile: bool
    approved_plan: bytes | None

    @property
    def has_nothing(self) -> bool:
        """Nothing was made, as far as anybody can know."""
        return not self.needs_reconcile and (self.state is None or self.state.is_empty)


class Convergence:
    """One attempt's way to a goal."""

    def __init__(self, claim: Claim, commands: Commands, stack_id: str) -> None:
        self._claim, self._commands, self._stack_id = claim, commands, stack_id
        self._tools, self._folder = claim.tools, commands.folder
        self._vault: Vault = claim.tools.vault
        self._decision = Decision(claim, commands, stack_id)

    async def reach(self, goal: Goal) -> list[Event]:
        """Make it so; returns what the plan changes, where there was one. Raises the errors of trouble.py."""
        return await persist(self._claim, self._commands, lambda: self._try(goal))

    async def _try(self, goal: Goal) -> list[Event]:
        root = await self._tools.roots.ready(goal.root)
        standing = await self._standing()
        self._folder.prepare(root, goal.inputs, standing.state)
        if standing.approved_plan and not standing.needs_reconcile:
            self._folder.write_plan(PLAN_FILE, standing.approved_plan)
            await self._commands.apply(PLAN_FILE, told="Applying the plan that was approved.")
            return []
        if goal.kind is RunKind.PROVISION and standing.state is None and not standing.needs_reconcile:
            told = "Nothing exists yet, so there is nothing to lose: applying without a plan."
            await self._commands.apply(told=told, auto_approve=terraform.FLAG)
            return []
        if goal.kind is RunKind.REKEY and standing.has_nothing:
            await self._claim.log("There is no machine that could take keys.")
            return []
        adopted = await self._adopt(goal, standing) if standing.needs_reconcile else []
        return await self._plan_and_apply(goal, adopted)

    async def _standing(self) -> Standing:
        async with self._tools.database.sessions() as session:
            state = await state_versions.newest(session, self._vault, self._stack_id)
            stack = await session.get_one(Stack, self._stack_id)
            run = await session.get_one(Run, self._claim.run_id)
            plan = await plans.file_of(session, self._vault, run.id) if run.approved_at else None
        self._commands.serial = state.serial if state else 0
        return Standing(state, stack.needs_reconcile, plan)

    async def _adopt(self, goal: Goal, standing: Standing) -> list[str]:
        if goal.root is Root.SHARED:
            return await SharedAdoption(self._claim, self._commands, self._stack_id).adopt()
        root = await self._tools.roots.ready(goal.root)
        self._folder.prepare(root, {**goal.inputs, "disk_only": False}, standing.state)
        adopted = await Adoption(self._claim, self._commands, self._stack_id, goal.inputs["zone"]).adopt()
        if adopted and goal.inputs.get("disk_only"):
            # An import does not record that the machine needs its address: that would be released first, and refused.
            await self._commands.refresh()
        self._folder.write_variables(goal.inputs)
        return adopted

    async def _plan_and_apply(self, goal: Goal, adopted: Collection[str]) -> list[Event]:
        """Returns what the plan changes. Raises what trouble.py has."""
        state = self._folder.read_state()
        deletes_everything = goal.deletes_everything(state)
        how = ["-destroy"] if deletes_everything else replacements(state, goal.inputs)
        changes = (await self._commands.plan(*how, out=PLAN_FILE)).changes
        if goal.root is Root.WORKSTATION and not deletes_everything:
            changes = await self._decision.of_workstation(goal.kind, changes, adopted)
        shown = await self._commands.show(PLAN_FILE) if changes or goal.root is Root.SHARED else {}
        if not changes and not _changes_outputs(shown):
            await self._claim.log("Nothing is to be changed.")
            if goal.kind is not RunKind.DESTROY or state is None or state.is_empty:
                return []
            # What an earlier attempt deleted may still be in the state: an empty plan applied is what it learns it by.
        if goal.kind is RunKind.CHECK:
            await self._decision.keep_view(shown)
            return changes
        if goal.root is Root.SHARED:
            await self._decision.of_shared_stack(shown, adopted)
        if goal.kind is RunKind.REKEY:
            await self._decision.of_rekey(shown)
        await self._decision.keep_view(shown)
        await self._commands.apply(PLAN_FILE)
        return changes


def _changes_outputs(shown: dict[str, Any]) -> bool:
    """Whether outputs differ: of the shared stack people see them, so the state is to have them."""
    return any(output["actions"] != ["no-op"] for output in (shown.get("output_changes") or {}).values())
