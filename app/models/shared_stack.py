"""The shared stack: the infrastructure that the team shares. There is one row; its id is its stack's id."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, Sealed, stored_as_text
from app.models.run import Run
from app.models.run_kinds import RunKind
from app.models.stack import Stack


class SharedStackStatus(StrEnum):
    """The state of the shared stack."""

    ABSENT = "absent"
    CONFIGURING = "configuring"
    READY = "ready"
    DESTROYING = "destroying"
    FAILED = "failed"


S = SharedStackStatus


class SharedStack(Base):
    """The state applied last. The desired state is in `changes` (column → value) of the pending run."""

    __tablename__ = "shared_stacks"
    __table_args__ = (CheckConstraint("only_one", name="only_one"),)

    id: Mapped[str] = mapped_column(ForeignKey("stacks.id"), primary_key=True)
    only_one: Mapped[bool] = mapped_column(default=True, unique=True)
    """Always true: a project has one shared stack."""
    status: Mapped[SharedStackStatus] = mapped_column(stored_as_text(S), default=S.ABSENT)
    status_before: Mapped[SharedStackStatus] = mapped_column(stored_as_text(S), default=S.ABSENT)
    """The status before the pending run began."""

    settings: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    """The settings, as services/shared/shared_settings.py defines them."""
    iam_admins: Mapped[list[str]] = mapped_column(JSONB, default=list)
    """IAM members that are admins of the project, such as user:ada@example.com."""
    allowed_ips: Mapped[list[str]] = mapped_column(JSONB, default=list)
    """IDs of the allowed IPs that the firewall allows."""

    outputs: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    """Terraform's outputs from the last apply, without sensitive ones."""
    sealed_secrets: Mapped[bytes] = mapped_column(Sealed)
    """Generated passwords, as encrypted JSON by the name of their Terraform variable."""
    secrets_version: Mapped[int] = mapped_column(default=1)

    applied_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    """When it was last checked for drift."""
    drift_run_id: Mapped[str | None]
    """The check that found drift, until an apply fixes it or a later check finds none."""

    stack: Mapped[Stack] = relationship(lazy="raise")

    @property
    def noun(self) -> str:
        """What it is called in sentences."""
        return "shared stack"

    @property
    def name(self) -> str:
        """The name in lists and titles."""
        return self.noun

    @property
    def exists(self) -> bool:
        """Whether it is deployed, at least in part."""
        return self.applied_at is not None

    @property
    def has_drifted(self) -> bool:
        """Whether the last check found differences between Google and the applied settings."""
        return self.drift_run_id is not None

    def rejects(self, kind: RunKind) -> bool:
        """Whether a run of that kind has nothing to do, such as a deletion if it is not deployed."""
        return kind is RunKind.DESTROY and not self.exists and self.status is S.ABSENT

    def begin(self, run: Run) -> None:
        """A worker has claimed a run for it. A check changes nothing."""
        if not run.kind.traits.changes_stack:
            return
        if self.status not in {S.CONFIGURING, S.DESTROYING}:
            self.status_before = self.status
        self.status = S.DESTROYING if run.kind is RunKind.DESTROY else S.CONFIGURING

    def take(self, changes: dict[str, Any]) -> None:
        """Take over what a run has applied: column → value."""
        for column, value in changes.items():
            setattr(self, column, value)

    def become_ready(self, outputs: dict[str, Any], now: datetime) -> None:
        """A run has applied the desired state."""
        self.outputs, self.status = outputs, S.READY
        self.applied_at = self.checked_at = now
        self.drift_run_id = None

    def become_destroyed(self, now: datetime, *, disk_kept: bool) -> None:
        """It was deleted; the settings are kept."""
        self.status, self.outputs = S.ABSENT, {}
        self.applied_at = self.checked_at = self.drift_run_id = None
        self.allowed_ips = []

    def become_checked(self, drift_run_id: str | None, now: datetime) -> None:
        """A check for drift has finished; `drift_run_id` is its run if it found differences, else None."""
        self.checked_at, self.drift_run_id = now, drift_run_id

    def restore_status(self, now: datetime) -> None:
        """A run ended without changing anything."""
        if self.status in {S.CONFIGURING, S.DESTROYING}:
            self.status = self.status_before

    def become_failed(self) -> None:
        """The last run failed; the Terraform state has what exists."""
        self.status = S.FAILED
