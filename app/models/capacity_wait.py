"""The part of a run that waits for capacity: until when, since when, and when it tries again."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Mapped, mapped_column

from app.models.placement import HasAlternatives
from app.models.run_kinds import RunKind
from app.models.run_retries import RetriesItself
from app.models.run_states import RunStatus, TransitionError

BACK_OFF = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15))
"""The waits between tries; the last one repeats."""
BEHIND_OTHERS = timedelta(minutes=15)
"""The wait of a run that may try nothing, because others have waited longer. It ends early with theirs."""
MOST_HOURS = 168


class WaitsForCapacity(HasAlternatives, RetriesItself):
    """Columns and rules of `Run`."""

    kind: Mapped[RunKind]
    applying_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]

    wait_hours: Mapped[int] = mapped_column(default=0)
    """For how long it may wait; 0: it fails when Google has no capacity."""
    waiting_since: Mapped[datetime | None]
    """Since when it waits. It keeps its place in the queue while it tries."""
    next_try_at: Mapped[datetime | None]
    rounds: Mapped[int] = mapped_column(default=0)
    """How often it has tried all that it may, without success."""

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for capacity. No worker has it meanwhile."""
        return self.status is RunStatus.WAITING_FOR_CAPACITY

    @property
    def wait_until(self) -> datetime | None:
        """When it fails if there was no capacity until then; None if it does not wait."""
        return self.waiting_since + timedelta(hours=self.wait_hours) if self.waiting_since else None

    def may_wait(self, now: datetime) -> bool:
        """Whether it goes on waiting."""
        can = self.kind.traits.waits_for_capacity and self.wait_hours > 0
        return can and (self.wait_until is None or now < self.wait_until)

    def await_capacity(self, now: datetime, *, has_changed_anything: bool) -> None:
        """Wait, and let no worker have it meanwhile."""
        if self.status not in {RunStatus.PLANNING, RunStatus.APPLYING}:
            raise TransitionError(self.id, self.status, RunStatus.WAITING_FOR_CAPACITY)
        pause = BACK_OFF[min(self.rounds, len(BACK_OFF) - 1)] if self.tried else BEHIND_OTHERS
        self.rounds += bool(self.tried)
        self.waiting_since = self.waiting_since or now
        self.next_try_at = min(now + pause, self.wait_until or now)
        self.status, self.lease_until = RunStatus.WAITING_FOR_CAPACITY, None
        if not has_changed_anything:
            self.applying_at = None

    def is_due(self, now: datetime) -> bool:
        """Whether its wait is over: for the next try, or because it is canceled."""
        return self.next_try_at is None or self.next_try_at <= now

    def begin_round(self) -> None:
        """Everything may be tried again."""
        self.tried_placements, self.retries = [], 0
