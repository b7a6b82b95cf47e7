"""What every kind of run answers."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Run
from app.worker.attempt import Attempt


class Kind:
    """How one kind of run is carried out; one object an attempt."""

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
