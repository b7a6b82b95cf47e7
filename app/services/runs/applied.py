"""What was last applied to a stack, derived from its runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Run
from app.models.run_kinds import kinds_that
from app.models.run_states import EXECUTING, SUCCESS

NEWEST_RUNS = 50
"""How many runs are read. A stack is the result of its last success and the runs after that."""
MAKERS = kinds_that("uses_terraform") & kinds_that("changes_stack")
"""The kinds of runs that change what a stack has."""


@dataclass(frozen=True)
class Applied:
    """The runs that made a stack what it is."""

    reached: Run | None
    """The newest run that succeeded."""
    since: tuple[Run, ...]
    """Later runs that may have changed something, newest first."""
    under_way: Run | None
    """The run that a worker executes and that has changed nothing yet."""

    @classmethod
    def of(cls, history: Sequence[Run]) -> Self:
        """Derive it from a stack's runs, newest first."""
        makers = [run for run in history if run.kind in MAKERS]
        begun = (run for run in makers if run.is_executing and not run.can_approve)
        under_way = next((run for run in begun if not run.has_changed_anything), None)
        since: list[Run] = []
        for run in makers:
            if run.is_success:
                return cls(run, tuple(since), under_way)
            # It failed or is executing, so the stack may have its variables or not.
            if run.has_changed_anything:
                since.append(run)
        return cls(None, tuple(since), under_way)

    @property
    def possible(self) -> tuple[Run, ...]:
        """All runs whose variables the stack may have now, newest first."""
        return (*self.since, *((self.reached,) if self.reached else ()))

    @property
    def reached_inputs(self) -> dict[str, Any]:
        """The variables of the last success or, before the first one, of the newest run that may have changed
        something."""
        found = self.reached or next(iter(self.since), None)
        return dict(found.inputs) if found else {}


async def applied(session: AsyncSession, stack_id: str) -> Applied:
    """Derive it from the runs in the database."""
    may_have = or_(Run.status.in_(SUCCESS | EXECUTING), Run.applying_at.is_not(None))
    query = select(Run).where(Run.stack_id == stack_id, Run.kind.in_(MAKERS), may_have)
    newest_first = query.order_by(Run.finished_at.desc().nulls_first(), Run.created_at.desc())
    return Applied.of(list(await session.scalars(newest_first.limit(NEWEST_RUNS))))


async def last_inputs(session: AsyncSession, stack_id: str) -> dict[str, Any]:
    """The variables that the stack has or is getting. If no run has begun yet, those of the newest request."""
    found = await applied(session, stack_id)
    newest = next(iter([*((found.under_way,) if found.under_way else ()), *found.possible]), None)
    if newest:
        return dict(newest.inputs)
    query = select(Run.inputs).where(Run.stack_id == stack_id, Run.kind.in_(MAKERS), Run.inputs != {})
    inputs: dict[str, Any] | None = await session.scalar(query.order_by(Run.created_at.desc()).limit(1))
    return dict(inputs or {})
