"""What every kind of run answers."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Root, Run, RunKind
from app.worker.attempt import Attempt

KINDS: "dict[tuple[RunKind, Root], type[Kind]]" = {}
"""What carries out a kind of run, by the root of its stack."""


class Kind:
    """How one kind of run is carried out; one object an attempt.

    A class that carries out a kind says which: `class Stop(OrderKind, kind=RunKind.STOP)`.
    """

    def __init_subclass__(cls, kind: RunKind | None = None, root: Root = Root.WORKSTATION) -> None:
        """Registers what carries out a kind."""
        super().__init_subclass__()
        if kind:
            KINDS[kind, root] = cls

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self.claim, self.commands, self.stack_id = attempt.claim, attempt.commands, attempt.stack_id

    async def reach(self) -> None:
        """Make it so. Raises the errors of worker/errors.py."""
        raise NotImplementedError

    async def finish(self, session: AsyncSession, run: Run) -> str:
        """Write down what its subject is now; returns the sentence for the log."""
        raise NotImplementedError

    @property
    def differs(self) -> bool:
        """It was only to compare, and what it found differs."""
        return False

    async def undoing(self, session: AsyncSession, run: Run) -> "Kind | None":
        """What brings back what was before the run, which was cancelled; None where nothing is to be done, or can."""
        return None

    async def finish_undoing(self, session: AsyncSession, run: Run) -> None:
        """As what rolled another run back: write down what its subject is now, beyond its former status."""
