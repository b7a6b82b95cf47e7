"""The part of a run that is retried by itself after a transient error."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import stored_as_text
from app.models.run_states import RunStatus, TransitionError

S = RunStatus


class RetriesItself:
    """Columns and rules of `Run`."""

    id: Mapped[str]
    status: Mapped[RunStatus] = mapped_column(stored_as_text(RunStatus), default=RunStatus.QUEUED)
    retries: Mapped[int] = mapped_column(default=0)
    """How often it was retried after a transient error."""
    retry_at: Mapped[datetime | None]
    """When it is retried, while it waits for that."""

    def schedule_retry(self, at: datetime, *, counts: bool = True) -> None:
        """Begin again with the plan at that time. `counts`: whether this is one of the limited number of retries."""
        if self.status not in {S.PLANNING, S.APPLYING}:
            raise TransitionError(self.id, self.status, S.PLANNING)
        self.status = S.PLANNING
        self.retries += counts
        self.retry_at = at

    def resume(self) -> None:
        """End the wait for a retry."""
        self.retry_at = None

    @property
    def is_retrying(self) -> bool:
        """Whether it waits for a retry."""
        return self.retry_at is not None and self.status is S.PLANNING
