"""A run is one queued change to a stack. Its transitions are here, as methods on the row."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, short_id, stored_as_text
from app.models.member import Member
from app.models.run_kinds import RunKind
from app.models.run_states import EXECUTING, FINAL, NEXT, SUCCESS, CancelMode, RunStatus, TransitionError

S = RunStatus
ITSELF = "Stationmaster"
"""Who asks for what the portal does by itself, such as a daily check."""


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
    FOR_ITS_HOST: ClassVar[timedelta] = timedelta(seconds=20)
    """How long an interrupted run is left to its host: after that its shim has stopped Terraform (infra/shim.py)."""

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: short_id(10))
    stack_id: Mapped[str] = mapped_column(ForeignKey("stacks.id"))
    requested_by: Mapped[str | None] = mapped_column(ForeignKey("members.id"))
    """Nobody: the portal itself, such as for a daily check."""
    kind: Mapped[RunKind] = mapped_column(stored_as_text(RunKind))
    status: Mapped[RunStatus] = mapped_column(stored_as_text(RunStatus), default=RunStatus.QUEUED)
    inputs: Mapped[dict[str, Any]]
    """The root's variables, written to terraform.tfvars.json as they are."""
    changes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What becomes of the row of its stack's subject when the run succeeds: column → value."""
    reason: Mapped[str] = mapped_column(default="")
    """Why it was asked for, as whoever asked put it."""

    attempt: Mapped[int] = mapped_column(default=0)
    worker_id: Mapped[str | None]
    host: Mapped[str | None]
    """The data folder in which the attempt works, by the id in it: another host has not its files."""
    lease_until: Mapped[datetime | None]
    """Until then the run is its worker's; interrupted, it is left to workers of the same host until then."""
    interruptions: Mapped[int] = mapped_column(default=0)
    """How often its worker was lost."""
    retries: Mapped[int] = mapped_column(default=0)
    """How often it was tried again by itself, because of what is usually temporary."""
    retry_at: Mapped[datetime | None]
    """When it is tried again, while it waits for that."""

    cancel: Mapped[CancelMode | None] = mapped_column(stored_as_text(CancelMode))
    cancel_at: Mapped[datetime | None]
    cancel_by: Mapped[str | None] = mapped_column(ForeignKey("members.id"))

    awaits: Mapped[list[dict[str, str]]] = mapped_column(JSONB, default=list)
    """What is (or was) to be decided: {"address", "action"}, with a "name" to be typed where data would be lost."""
    approved_at: Mapped[datetime | None]
    approved_by: Mapped[str | None] = mapped_column(ForeignKey("members.id"))

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
    ordered_at: Mapped[datetime | None] = mapped_column("reset_at")
    """When Google took the order to start, stop or reset the machine, by its clock: it is given once."""
    finished_at: Mapped[datetime | None]

    error: Mapped[str | None]
    """The raw text of what went wrong."""
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
        """A worker takes the run (again): a new attempt begins, and earlier attempts' writes no longer count."""
        if not self.can_be_claimed:
            raise TransitionError(self.id, self.status, S.PLANNING)
        self._become(S.PLANNING, now)
        self.attempt += 1
        self.worker_id, self.host = worker_id, host
        self.claimed_at = self.claimed_at or now
        self.renew(now)

    def renew(self, now: datetime) -> None:
        """The worker is alive."""
        self.lease_until = now + self.LEASE

    def interrupt(self, now: datetime) -> None:
        """Its worker has not been heard of for longer than its lease: another one may claim it."""
        self.hand_over(now)
        self.lease_until = now + self.FOR_ITS_HOST
        self.interruptions += 1

    def hand_over(self, now: datetime) -> None:
        """Its worker leaves in good order, and lets another one go on."""
        self._become(S.INTERRUPTED, now)
        self.lease_until = None

    def start_over(self) -> None:
        """Terraform was killed under its worker: planned and applied once more, at once."""
        if self.status not in {S.PLANNING, S.APPLYING}:
            raise TransitionError(self.id, self.status, S.PLANNING)
        self.status = S.PLANNING
        self.interruptions += 1

    def schedule_retry(self, at: datetime, *, counts: bool = True) -> None:
        """It met trouble that passes as a rule: it is planned and applied anew at that time.

        :param counts: it is tried again so often and no more.
        """
        if self.status not in {S.PLANNING, S.APPLYING}:
            raise TransitionError(self.id, self.status, S.PLANNING)
        self.status = S.PLANNING
        self.retries += counts
        self.retry_at = at

    def resume(self) -> None:
        """The wait is over."""
        self.retry_at = None

    def await_approval(self, awaits: list[dict[str, str]], now: datetime) -> None:
        """Its plan is stored, and does things that somebody has to decide: no worker holds it meanwhile."""
        self._become(S.AWAITING_APPROVAL, now)
        self.awaits, self.approved_at, self.approved_by = awaits, None, None
        self.lease_until = None

    def approve(self, by: Member, now: datetime) -> None:
        """What it awaits may be done. A worker claims it next."""
        if not self.can_approve:
            raise TransitionError(self.id, self.status, S.APPLYING)
        self.approved_at, self.approved_by = now, by.id

    def discard(self, by: Member, now: datetime) -> None:
        """What it awaits is not to be done."""
        self._become(S.DISCARDED, now)
        self.cancel_at, self.cancel_by = now, by.id

    def begin_apply(self, now: datetime) -> None:
        """Terraform changes things from here on."""
        if self.status is not S.APPLYING:
            self._become(S.APPLYING, now)
        self.applying_at = self.applying_at or now

    def succeed(self, now: datetime) -> None:
        """All that was wished for is so."""
        self._become(S.APPLIED, now)

    def find_no_changes(self, now: datetime) -> None:
        """The plan was empty."""
        self._become(S.NO_CHANGES, now)

    def find_differences(self, now: datetime) -> None:
        """A check's plan was not empty; it is not to be applied."""
        self._become(S.PLANNED, now)

    def fail(self, error: str, now: datetime) -> None:
        """End with the raw text of what went wrong."""
        self._become(S.ERRORED, now)
        self.error = error

    def request_cancel(self, mode: CancelMode, by: Member, now: datetime) -> None:
        """Somebody wants it stopped. What no worker holds ends at once; otherwise its worker sees to it."""
        if mode not in self.cancel_choices:
            raise TransitionError(self.id, self.status, S.CANCELED)
        self.cancel, self.cancel_at, self.cancel_by = mode, now, by.id
        if self.status in {S.QUEUED, S.AWAITING_APPROVAL}:
            self.end_canceled(now)

    def end_canceled(self, now: datetime) -> None:
        """Nothing of it goes on any more."""
        self._become(S.CANCELED, now)

    def supersede(self, by: "Run", now: datetime) -> None:
        """A newer wish for the same stack takes this one's place in the queue."""
        self._become(S.SUPERSEDED, now)
        self.superseded_by = by.id

    @property
    def requester_name(self) -> str:
        """Name of who asked for it."""
        return self.requester.name if self.requester else ITSELF

    @property
    def confirmations(self) -> list[str]:
        """The names that whoever approves has to write: of what would be lost for good."""
        return [change["name"] for change in self.awaits if change.get("name")]

    @property
    def does_more_than_asked(self) -> bool:
        """What it awaits was neither asked for nor loses data: the stack is not as it was applied."""
        return bool(self.awaits) and not self.confirmations and self.kind.traits.takes_keys

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
        return self.status in SUCCESS

    @property
    def is_busy(self) -> bool:
        """Something is, or will be, happening by itself."""
        return not self.is_final and not self.can_approve and not self.kind.traits.decides_itself

    @property
    def is_canceling(self) -> bool:
        """Somebody wants it stopped, and it has not ended yet."""
        return self.cancel is not None and not self.is_final

    @property
    def is_retrying(self) -> bool:
        """It waits, to be tried again by itself."""
        return self.retry_at is not None and self.status is S.PLANNING

    @property
    def has_changed_anything(self) -> bool:
        """Terraform has been told to apply."""
        return self.applying_at is not None

    @property
    def cancel_choices(self) -> tuple[CancelMode, ...]:
        """How it may be stopped now, gentlest first."""
        if self.is_final or self.kind.traits.decides_itself:
            return ()
        if self.cancel is None:
            return self.kind.traits.cancel_choices(has_changed_anything=self.has_changed_anything)
        return {CancelMode.UNDO: (CancelMode.NOW,), CancelMode.NOW: (CancelMode.FORCE,)}.get(self.cancel, ())

    @property
    def can_cancel(self) -> bool:
        """It can be stopped, or be stopped harder."""
        return bool(self.cancel_choices)

    @property
    def can_approve(self) -> bool:
        """It waits for somebody's decision: approved, it is as good as begun."""
        return self.status is S.AWAITING_APPROVAL and self.approved_at is None

    @property
    def can_be_claimed(self) -> bool:
        """A worker may take it."""
        is_approved = self.status is S.AWAITING_APPROVAL and self.approved_at is not None
        return self.status in {S.QUEUED, S.INTERRUPTED} or is_approved

    def is_left_to_another_host(self, host: str, now: datetime) -> bool:
        """Its Terraform may still be at work where its files are: a worker there goes on best."""
        is_left = self.status is S.INTERRUPTED and self.lease_until is not None and now < self.lease_until
        return is_left and self.host != host

    def has_approval_for(self, changes: list[dict[str, str]]) -> bool:
        """Whether exactly these (or fewer) were approved."""
        return self.approved_at is not None and all(change in self.awaits for change in changes)

    @property
    def can_retry(self) -> bool:
        """Ended without success: the same wish can be asked for again, as a new run."""
        return self.status in {S.ERRORED, S.CANCELED, S.DISCARDED} and not self.kind.traits.decides_itself
