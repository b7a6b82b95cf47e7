"""The shared stack: the project's infrastructure that nobody has alone. One row; its id is its stack's id."""

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
    """How the shared stack stands."""

    ABSENT = "absent"
    CONFIGURING = "configuring"
    READY = "ready"
    DESTROYING = "destroying"
    FAILED = "failed"


S = SharedStackStatus


class SharedStack(Base):
    """What was last made so. What is to be so is in the run that is under way, as `changes` (column → value)."""

    __tablename__ = "shared_stacks"
    __table_args__ = (CheckConstraint("only_one", name="only_one"),)

    id: Mapped[str] = mapped_column(ForeignKey("stacks.id"), primary_key=True)
    only_one: Mapped[bool] = mapped_column(default=True, unique=True)
    """Always true: a project has one shared stack."""
    status: Mapped[SharedStackStatus] = mapped_column(stored_as_text(S), default=S.ABSENT)
    status_before: Mapped[SharedStackStatus] = mapped_column(stored_as_text(S), default=S.ABSENT)
    """How it stood when the run that is under way began."""

    settings: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    """What admins chose (services/shared/shared_settings.py)."""
    iam_admins: Mapped[list[str]] = mapped_column(JSONB, default=list)
    """IAM members that are admins of the project, such as user:ada@example.com."""
    allowed_ips: Mapped[list[str]] = mapped_column(JSONB, default=list)
    """Ids of the allowed IPs that the firewall lets in."""

    outputs: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    """Terraform's outputs as of the last apply, without those marked as sensitive."""
    sealed_secrets: Mapped[bytes] = mapped_column(Sealed)
    """Passwords that the portal made for the stack: JSON by the name of the root's variable, encrypted."""
    secrets_version: Mapped[int] = mapped_column(default=1)

    applied_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    """When a plan last said whether Google still has what was applied."""
    drift_run_id: Mapped[str | None]
    """The check that found differences, until an apply has put them right or a later check finds none."""

    stack: Mapped[Stack] = relationship(lazy="raise")

    @property
    def noun(self) -> str:
        """What it is, in sentences."""
        return "shared stack"

    @property
    def name(self) -> str:
        """There is one, so it is called what it is."""
        return self.noun

    @property
    def exists(self) -> bool:
        """Something of it was made."""
        return self.applied_at is not None

    @property
    def has_drifted(self) -> bool:
        """Somebody has changed at Google what the portal made."""
        return self.drift_run_id is not None

    def rejects(self, kind: RunKind) -> bool:
        """Whether a run of that kind has nothing to work on: what is not there cannot be destroyed."""
        return kind is RunKind.DESTROY and not self.exists and self.status is S.ABSENT

    def begin(self, run: Run) -> None:
        """A worker has claimed a run for it. A check changes nothing."""
        if not run.kind.traits.changes_stack:
            return
        if self.status not in {S.CONFIGURING, S.DESTROYING}:
            self.status_before = self.status
        self.status = S.DESTROYING if run.kind is RunKind.DESTROY else S.CONFIGURING

    def take(self, changes: dict[str, Any]) -> None:
        """A run has made it so: column → value."""
        for column, value in changes.items():
            setattr(self, column, value)

    def become_ready(self, outputs: dict[str, Any], now: datetime) -> None:
        """What was wished for is there."""
        self.outputs, self.status = outputs, S.READY
        self.applied_at = self.checked_at = now
        self.drift_run_id = None

    def become_destroyed(self, now: datetime, *, disk_kept: bool) -> None:
        """All of it is gone; what was chosen stays chosen."""
        self.status, self.outputs = S.ABSENT, {}
        self.applied_at = self.checked_at = self.drift_run_id = None
        self.allowed_ips = []

    def become_checked(self, drift_run_id: str | None, now: datetime) -> None:
        """A plan was made and not applied; it found differences where a run is given."""
        self.checked_at, self.drift_run_id = now, drift_run_id

    def restore_status(self, now: datetime) -> None:
        """A run ended without having changed anything."""
        if self.status in {S.CONFIGURING, S.DESTROYING}:
            self.status = self.status_before

    def become_failed(self) -> None:
        """The last run ended without success; what exists is in the state."""
        self.status = S.FAILED
