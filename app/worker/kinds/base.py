"""The base class of all kinds of runs."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Root, Run, RunKind
from app.worker.attempt import Attempt

KINDS: "dict[tuple[RunKind, Root], type[Kind]]" = {}
"""The class that executes each kind of run, by the root of the stack."""


class Kind:
    """How to execute one kind of run. There is one object for each attempt.

    A subclass names its kind: `class Stop(OrderKind, kind=RunKind.STOP)`.
    """

    def __init_subclass__(cls, kind: RunKind | None = None, root: Root = Root.WORKSTATION) -> None:
        """Register the class that executes a kind."""
        super().__init_subclass__()
        if kind:
            KINDS[kind, root] = cls

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self.claim, self.commands, self.stack_id = attempt.claim, attempt.commands, attempt.stack_id

    async def reach(self) -> None:
        """Do the work. Raises the errors of worker/errors.py."""
        raise NotImplementedError

    async def finish(self, session: AsyncSession, run: Run) -> str:
        """Update the stack's subject after success; returns the message for the log."""
        raise NotImplementedError

    @property
    def differs(self) -> bool:
        """Whether a check has found differences."""
        return False

    async def undoing(self, session: AsyncSession, run: Run) -> "Kind | None":
        """The work that rolls this canceled run back; None if there is nothing to roll back, or no way to."""
        return None

    async def finish_undoing(self, session: AsyncSession, run: Run) -> None:
        """Update the stack's subject after this has rolled another run back."""
