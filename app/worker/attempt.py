"""An attempt at a run: its data, read once after the claim."""

from dataclasses import dataclass, replace
from typing import Any, Self

from app.models import Root, Run, RunKind, Stack
from app.services.terraform import state_versions
from app.worker.claim import Claim
from app.worker.commands import Commands
from app.worker.folder import RunFolder


@dataclass(frozen=True)
class Attempt:
    """One attempt at one run, with the row's values at the claim."""

    claim: Claim
    commands: Commands
    kind: RunKind
    root: Root
    stack_id: str
    inputs: dict[str, Any]
    is_approved: bool
    step: str | None
    """The Terraform command that an earlier attempt had started."""
    log_offset: int

    @classmethod
    async def read(cls, claim: Claim, folder: RunFolder) -> Self:
        """Read the run's row, its stack and its state."""
        async with claim.tools.database.sessions() as session:
            run = await session.get_one(Run, claim.run_id)
            state = await state_versions.newest(session, claim.tools.vault, run.stack_id)
            stack = await session.get_one(Stack, run.stack_id)
        return cls(
            claim=claim,
            commands=Commands(claim, folder, serial=state.serial if state else 0),
            kind=run.kind,
            root=stack.root,
            stack_id=run.stack_id,
            inputs=run.inputs,
            is_approved=run.approved_at is not None,
            step=run.step,
            log_offset=run.log_offset,
        )

    def with_inputs(self, inputs: dict[str, Any]) -> Self:
        """The same attempt with other variables, such as for a rollback."""
        return replace(self, inputs=inputs)
