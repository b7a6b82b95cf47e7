"""What an attempt at a run works with, read once at its claim."""

from dataclasses import dataclass, replace
from typing import Any, Self

from app.models import Root, Run, RunKind, Stack
from app.services.terraform import state_versions
from app.worker.claim import Claim
from app.worker.commands import Commands
from app.worker.folder import RunFolder


@dataclass(frozen=True)
class Attempt:
    """One attempt at one run."""

    claim: Claim
    commands: Commands
    kind: RunKind
    root: Root
    stack_id: str
    inputs: dict[str, Any]
    is_approved: bool
    step: str | None
    """The Terraform command that an earlier attempt was at."""
    log_offset: int

    @classmethod
    async def read(cls, claim: Claim, folder: RunFolder) -> Self:
        """From the run's row."""
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
        """The same attempt with other variables, as for rolling back."""
        return replace(self, inputs=inputs)
