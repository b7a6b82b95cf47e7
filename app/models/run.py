"""A run: one queued change to a stack. Its transitions are methods of the row."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, short_id, stored_as_text
from app.models.capacity_wait import WaitsForCapacity
from app.models.member import Member
from app.models.run_kinds import RunKind
from app.models.run_states import EXECUTING, FINAL, NEXT, SUCCESS, CancelMode, RunStatus, TransitionError

S = RunStatus
ITSELF = "Stationmaster"
"""The name of the requester of the portal's own runs, such as daily checks."""


class Run(WaitsForCapacity, Base):
    """One change to one stack. The worker that executes it holds a lease, and checks `attempt` before every write."""

    __tablename__ = "runs"
    __table_args__ = (
        Index(
            "one_executing_run_a_stack",
            "stack_id",
            unique=True,
            postgresql_where=text(
                "status IN ('planning', 'awaiting_approval', 'applying', 'waiting_for_capacity', 'interrupted')"
            ),
        ),
        # A second request joins or supersedes the queued run, so one is enough.
        Index("one_queued_run_a_stack", "stack_id", unique=True, postgresql_where=text("status = 'queued'")),
        Index("ix_runs_stack_id_created_at", "stack_id", "created_at"),
    )

    # Short, so that the run of a lost worker continues soon; an outage of the database alone forfeits no lease.
    LEASE: ClassVar[timedelta] = timedelta(seconds=10)
    FOR_ITS_HOST: ClassVar[timedelta] = timedelta(seconds=20)
    """How long only the same host may claim an interrupted run. After that, its shim has stopped Terraform."""

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: short_id(10))
    stack_id: Mapped[str] = mapped_column(ForeignKey("stacks.id"))
    requested_by: Mapped[str | None] = mapped_column(ForeignKey("members.id"))
    """The member who requested it; None for the portal itself."""
    kind: Mapped[RunKind] = mapped_column(stored_as_text(RunKind))
    inputs: Mapped[dict[str, Any]]
    """Variables of the root, as they are written to terraform.tfvars.json."""
    changes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """The new values of the subject's row if the run succeeds: column → value."""
    reason: Mapped[str] = mapped_column(default="")
    """Why it was requested, as the requester put it."""
    rest_days: Mapped[int] = mapped_column(default=0)
    """For how many days a data disk that it deletes rests as a snapshot; 0: none is taken."""

    attempt: Mapped[int] = mapped_column(default=0)
    worker_id: Mapped[str | None]
    host: Mapped[str | None]
    """The ID of the data folder in which the attempt works. Other hosts do not have its files."""
    lease_until: Mapped[datetime | None]
    """The end of the worker's lease or, if the run is interrupted, the time from which other hosts may claim it."""
    interruptions: Mapped[int] = mapped_column(default=0)
    """How often its worker was lost, or its Terraform killed."""

    cancel: Mapped[CancelMode | None] = mapped_column(stored_as_text(CancelMode))
    cancel_at: Mapped[datetime | None]
    cancel_by: Mapped[str | None] = mapped_column(ForeignKey("members.id"))

    awaits: Mapped[list[dict[str, str]]] = mapped_column(JSONB, default=list)
    """The changes that require approval: {"address", "action"}, with a "name" to type if data would be lost."""
    approved_at: Mapped[datetime | None]
    approved_by: Mapped[str | None] = mapped_column(ForeignKey("members.id"))

    step: Mapped[str | None]
    """The name of the current Terraform command's files in the run's folder, such as plan-1.1."""
    log_offset: Mapped[int] = mapped_column(BigInteger, default=0)
    """How many bytes of that command's output are stored in the log."""
    log_seq: Mapped[int] = mapped_column(default=0)
    """The number of the last log line. Lines are numbered from 1, without gaps."""

    created_at: Mapped[datetime]
    claimed_at: Mapped[datetime | None]
    applying_at: Mapped[datetime | None]
    booting_at: Mapped[datetime | None]
    """When Terraform had finished, and the wait for the machine began."""
    ordered_at: Mapped[datetime | None] = mapped_column("reset_at")
    """When Google accepted the order, by Google's clock. An order is given once."""
    finished_at: Mapped[datetime | None]

    error: Mapped[str | None]
    """The raw error text."""
    superseded_by: Mapped[str | None]

    requester: Mapped[Member | None] = relationship(lazy="raise", foreign_keys=requested_by)

    def _become(self, status: RunStatus, now: datetime) -> None:
        if status not in NEXT.get(self.status, frozenset()):
            raise TransitionError(self.id, self.status, status)
        self.status = status
        if status in FINAL:
            self.finished_at = now
            self.lease_until = None

    def claim(self, worker_id: str, host: str, now: datetime) -> None:
        """Claim the run for a worker. A new attempt begins, and earlier attempts can write no more."""
        if not self.can_be_claimed:
            raise TransitionError(self.id, self.status, S.PLANNING)
        self._become(S.PLANNING, now)
        self.attempt += 1
        self.worker_id, self.host = worker_id, host
        self.claimed_at = self.claimed_at or now
        self.renew(now)

    def renew(self, now: datetime) -> None:
        """Extend the lease."""
        self.lease_until = now + self.LEASE

    def interrupt(self, now: datetime) -> None:
        """Release the run because its worker was lost. Workers of its host may claim it first."""
        self.hand_over(now)
        self.lease_until = now + self.FOR_ITS_HOST
        self.interruptions += 1

    def hand_over(self, now: datetime) -> None:
        """Release the run because its worker shuts down."""
        self._become(S.INTERRUPTED, now)
        self.lease_until = None

    def start_over(self) -> None:
        """Begin again with the plan, because Terraform was killed."""
        if self.status not in {S.PLANNING, S.APPLYING}:
            raise TransitionError(self.id, self.status, S.PLANNING)
        self.status = S.PLANNING
        self.interruptions += 1

    def await_approval(self, awaits: list[dict[str, str]], now: datetime) -> None:
        """Wait until somebody approves the plan. No worker holds the run meanwhile."""
        self._become(S.AWAITING_APPROVAL, now)
        self.awaits, self.approved_at, self.approved_by = awaits, None, None
        self.lease_until = None

    def approve(self, by: Member, now: datetime) -> None:
        """Approve the plan. A worker can claim the run now."""
        if not self.can_approve:
            raise TransitionError(self.id, self.status, S.APPLYING)
        self.approved_at, self.approved_by = now, by.id

    def discard(self, by: Member, now: datetime) -> None:
        """Discard the plan."""
        self._become(S.DISCARDED, now)
        self.cancel_at, self.cancel_by = now, by.id

    def begin_apply(self, now: datetime) -> None:
        """Record that Terraform begins to change resources."""
        if self.status is not S.APPLYING:
            self._become(S.APPLYING, now)
        self.applying_at = self.applying_at or now

    def succeed(self, now: datetime) -> None:
        """End with success."""
        self._become(S.APPLIED, now)

    def find_no_changes(self, now: datetime) -> None:
        """End because the plan was empty."""
        self._become(S.NO_CHANGES, now)

    def find_differences(self, now: datetime) -> None:
        """End a check that found differences. They are not applied."""
        self._become(S.PLANNED, now)

    def fail(self, error: str, now: datetime) -> None:
        """End with an error."""
        self._become(S.ERRORED, now)
        self.error = error

    def request_cancel(self, mode: CancelMode, by: Member, now: datetime) -> None:
        """Request that the run is stopped. It ends at once if no worker has it, otherwise its worker ends it."""
        if mode not in self.cancel_choices:
            raise TransitionError(self.id, self.status, S.CANCELED)
        self.cancel, self.cancel_at, self.cancel_by = mode, now, by.id
        is_unchanged = self.is_waiting and not self.has_changed_anything
        if self.status in {S.QUEUED, S.AWAITING_APPROVAL} or is_unchanged:
            self.end_canceled(now)
        elif self.is_waiting:
            self.next_try_at = now

    def end_canceled(self, now: datetime) -> None:
        """End as canceled."""
        self._become(S.CANCELED, now)

    def supersede(self, by: "Run", now: datetime) -> None:
        """End because a newer request for the same stack takes its place in the queue."""
        self._become(S.SUPERSEDED, now)
        self.superseded_by = by.id

    @property
    def requester_name(self) -> str:
        """The requester's name."""
        return self.requester.name if self.requester else ITSELF

    @property
    def confirmations(self) -> list[str]:
        """The names that must be typed to approve: those of resources whose data would be lost."""
        return [change["name"] for change in self.awaits if change.get("name")]

    @property
    def does_more_than_requested(self) -> bool:
        """Whether it awaits approval because the stack has drifted, and not because the request loses data."""
        return bool(self.awaits) and not self.confirmations and self.kind.traits.takes_keys

    @property
    def is_queued(self) -> bool:
        """Whether it waits for a worker, or for its stack's executing run to end."""
        return self.status is S.QUEUED

    @property
    def is_executing(self) -> bool:
        """Whether it holds its stack."""
        return self.status in EXECUTING

    @property
    def is_final(self) -> bool:
        """Whether it has ended."""
        return self.status in FINAL

    @property
    def is_success(self) -> bool:
        """Whether it ended with success."""
        return self.status in SUCCESS

    @property
    def is_busy(self) -> bool:
        """Whether it proceeds without a person's decision."""
        return not self.is_final and not self.can_approve and not self.kind.traits.decides_itself

    @property
    def is_canceling(self) -> bool:
        """Whether it is being stopped."""
        return self.cancel is not None and not self.is_final

    @property
    def has_changed_anything(self) -> bool:
        """Whether Terraform has begun to apply."""
        return self.applying_at is not None

    @property
    def cancel_choices(self) -> tuple[CancelMode, ...]:
        """The ways to stop it now, least disruptive first."""
        if self.is_final or self.kind.traits.decides_itself:
            return ()
        if self.is_waiting:
            return () if self.cancel else (CancelMode.UNDO,)
        if self.cancel is None:
            return self.kind.traits.cancel_choices(has_changed_anything=self.has_changed_anything)
        return {CancelMode.UNDO: (CancelMode.NOW,), CancelMode.NOW: (CancelMode.FORCE,)}.get(self.cancel, ())

    @property
    def can_cancel(self) -> bool:
        """Whether it can be stopped, or stopped in a more disruptive way."""
        return bool(self.cancel_choices)

    @property
    def can_approve(self) -> bool:
        """Whether it awaits approval."""
        return self.status is S.AWAITING_APPROVAL and self.approved_at is None

    @property
    def can_be_claimed(self) -> bool:
        """Whether a worker may claim it."""
        is_approved = self.status is S.AWAITING_APPROVAL and self.approved_at is not None
        return self.status in {S.QUEUED, S.WAITING_FOR_CAPACITY, S.INTERRUPTED} or is_approved

    def is_left_to_another_host(self, host: str, now: datetime) -> bool:
        """Whether only workers of its host may claim it for now."""
        # Its Terraform may still be running there, and its files are there.
        is_left = self.status is S.INTERRUPTED and self.lease_until is not None and now < self.lease_until
        return is_left and self.host != host

    def has_approval_for(self, changes: list[dict[str, str]]) -> bool:
        """Whether these changes were approved, possibly among others."""
        return self.approved_at is not None and all(change in self.awaits for change in changes)

    @property
    def can_retry(self) -> bool:
        """Whether the same change can be requested again, as a new run."""
        return self.status in {S.ERRORED, S.CANCELED, S.DISCARDED} and not self.kind.traits.decides_itself
