"""The log lines of a run, and the resources it changes."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.log_terms import LogLevel, ResourceState
from app.models.base import Base, stored_as_text


class LogLine(Base):
    """One line of a run's log. Lines are numbered by `seq` from 1 without gaps, so that streams and downloads can
    resume."""

    __tablename__ = "log_lines"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    level: Mapped[LogLevel] = mapped_column(stored_as_text(LogLevel))
    step: Mapped[str | None]
    """The Terraform command that printed it; None for messages of the portal."""
    message: Mapped[str]


class RunResource(Base):
    """One resource that a run creates, changes or deletes."""

    __tablename__ = "run_resources"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    address: Mapped[str] = mapped_column(primary_key=True)
    """Terraform's address, such as module.compute[0].google_compute_instance.workstation."""
    action: Mapped[str]
    """create, update, delete, replace or read."""
    state: Mapped[ResourceState] = mapped_column(stored_as_text(ResourceState))
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    @property
    def kind(self) -> str:
        """The resource type without its provider, such as compute_instance."""
        # A key may hold dots: module.services[0].google_project_service.this["storage.googleapis.com"]
        without_key = self.address.rpartition('["')[0] if self.address.endswith('"]') else self.address
        return without_key.split(".")[-2].removeprefix("google_")
