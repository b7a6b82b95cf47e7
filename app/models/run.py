"""A run is one queued change to a stack. Its states and what may follow what are here, as methods on the row."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, short_id, stored_as_text
from app.models.member import Member


class RunKind(StrEnum):
    """What a run does to its stack."""

    PROVISION = "provision"
    UPDATE = "update"
    DESTROY = "destroy"


class RunStatus(StrEnum):
    """The states of a run; `Run` has the transitions."""

    QUEUED = "queued"
    PLANNING = "planning"
    AWAITING_APPROVAL = "awaiting_approval"
    APPLYING = "applying"
    APPLIED = "applied"
    NO_CHANGES = "no_changes"
    ERRORED = "errored"
    DISCARDED = "discarded"
    SUPERSEDED = "superseded"
    CANCELED = "canceled"
    INTERRUPTED = "interrupted"


S = RunStatus
NEXT: dict[RunStatus, frozenset[RunStatus]] = {
    S.QUEUED: frozenset({S.PLANNING, S.CANCELED, S.SUPERSEDED}),
    S.PLANNING: frozenset({S.AWAITING_APPROVAL, S.APPLYING, S.NO_CHANGES, S.ERRORED, S.CANCELED, S.INTERRUPTED}),
    S.AWAITING_APPROVAL: frozenset({S.APPLYING, S.DISCARDED, S.SUPERSEDED, S.CANCELED}),
    S.APPLYING: frozenset({S.APPLIED, S.ERRORED, S.CANCELED, S.INTERRUPTED}),
    S.INTERRUPTED: frozenset({S.PLANNING, S.ERRORED, S.CANCELED}),
}
"""Which states may follow a state; a state without an entry is final."""

EXECUTING = frozenset({S.PLANNING, S.AWAITING_APPROVAL, S.APPLYING, S.INTERRUPTED})
"""States that hold the stack: at most one run of a stack is in one of them."""
FINAL = frozenset(set(RunStatus) - set(NEXT))


class TransitionError(Exception):
    """A run cannot go from the state it is in to the one asked for."""

    def __init__(self, run_id: str, before: RunStatus, after: RunStatus) -> None:
        super().__init__(f"run {run_id} is {before} and cannot become {after}")


class LostClaimError(Exception):
    """Another attempt has taken this run over: what this one knows no longer counts."""


class Run(Base):
    """One change to one stack, with the worker's lease on it. Every write of a worker checks `attempt`."""

    __tablename__ = "runs"
    __table_args__ = (
        Index(
            "one_executing_run_a_stack",
            "stack_id",
            unique=True,
            postgresql_where=text("status IN ('planning', 'awaiting_approval', 'applying', 'interrupted')"),
        ),
        Index("one_queued_run_a_stack", "stack_id", unique=True, postgresql_where=text("status = 'queued'")),
        Index("ix_runs_stack_id_created_at", "stack_id", "created_at"),
    )

    LEASE: ClassVar[timedelta] = timedelta(seconds=10)

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: short_id(10))
    stack_id: Mapped[str] = mapped_column(ForeignKey("stacks.id"))
    requested_by: Mapped[str] = mapped_column(ForeignKey("members.id"))
    kind: Mapped[RunKind] = mapped_column(stored_as_text(RunKind))
    status: Mapped[RunStatus] = mapped_column(stored_as_text(RunStatus), default=RunStatus.QUEUED)
    inputs: Mapped[dict[str, Any]]
    """The root's variables, written to terraform.tfvars.json as they are."""

    attempt: Mapped[int] = mapped_column(default=0)
    worker_id: Mapped[str | None]
    lease_until: Mapped[datetime | None]

    step: Mapped[str | None]
    """The Terraform command under way in the run's folder (plan, apply …), by the stem of its files."""
    log_offset: Mapped[int] = mapped_column(BigInteger, default=0)
    """Bytes of that step's event file that are log rows already."""
    log_seq: Mapped[int] = mapped_column(default=0)
    """Number of the last log row: gapless from 1."""

    created_at: Mapped[datetime]
    claimed_at: Mapped[datetime | None]
    applying_at: Mapped[datetime | None]
    booting_at: Mapped[datetime | None]
    """When Terraform was done and the wait for the machine's host keys began."""
    finished_at: Mapped[datetime | None]

    error: Mapped[str | None]
    """The raw text of what went wrong."""
    superseded_by: Mapped[str | None]

    requester: Mapped[Member] = relationship(lazy="raise")

    def _become(self, status: RunStatus, now: datetime) -> None:
        if status not in NEXT.get(self.status, frozenset()):
            raise TransitionError(self.id, self.status, status)
        self.status = status
        if status in FINAL:
            self.finished_at = now
            self.lease_until = None

    def claim(self, worker_id: str, now: datetime) -> None:
        """A worker takes the run (again): a new attempt begins, and earlier attempts' writes no longer count."""
        self._become(S.PLANNING, now)
        self.attempt += 1
        self.worker_id = worker_id
        self.claimed_at = self.claimed_at or now
        self.renew(now)

    def renew(self, now: datetime) -> None:
        """The worker is alive."""
        self.lease_until = now + self.LEASE

    def interrupt(self, now: datetime) -> None:
        """Its worker has not been heard of for longer than its lease: another one may claim it."""
        self._become(S.INTERRUPTED, now)
        self.lease_until = None

    def begin_apply(self, now: datetime) -> None:
        """Terraform changes things from here on."""
        self._become(S.APPLYING, now)
        self.applying_at = now

    def succeed(self, now: datetime) -> None:
        """All that was wished for is so."""
        self._become(S.APPLIED, now)

    def find_no_changes(self, now: datetime) -> None:
        """The plan was empty."""
        self._become(S.NO_CHANGES, now)

    def fail(self, error: str, now: datetime) -> None:
        """End with the raw text of what went wrong."""
        self._become(S.ERRORED, now)
        self.error = error

    def cancel(self, now: datetime) -> None:
        """End before anything was changed."""
        self._become(S.CANCELED, now)

    def supersede(self, by: "Run", now: datetime) -> None:
        """A newer wish for the same stack takes this one's place in the queue."""
        self._become(S.SUPERSEDED, now)
        self.superseded_by = by.id

    @property
    def is_queued(self) -> bool:
        """Waiting for a worker, or for the stack's executing run."""
        return self.status is S.QUEUED

    @property
    def is_executing(self) -> bool:
        """Holding its stack."""
        return self.status in EXECUTING

    @property
    def is_final(self) -> bool:
        """Nothing follows."""
        return self.status in FINAL

    @property
    def is_success(self) -> bool:
        """Ended with the wish fulfilled."""
        return self.status in {S.APPLIED, S.NO_CHANGES}

    @property
    def is_busy(self) -> bool:
        """Something is, or will be, happening by itself."""
        return not self.is_final and self.status is not S.AWAITING_APPROVAL

    @property
    def can_cancel(self) -> bool:
        """Only what has not begun can be taken back; what runs is left to end."""
        return self.status is S.QUEUED

    @property
    def can_retry(self) -> bool:
        """Ended without success: the same wish can be asked for again, as a new run."""
        return self.status in {S.ERRORED, S.CANCELED}
