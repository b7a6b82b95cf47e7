"""What became of a workstation's machine outside the portal's own runs."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, stored_as_text


class MachineEventKind(StrEnum):
    """In the API's words."""

    STOPPED = "stopped"
    STARTED = "started"
    SUSPENDED = "suspended"
    PREEMPTED = "preempted"
    HOST_ERROR = "host_error"
    """Google's host failed; the machine was started anew on another one."""
    DELETED = "deleted"


class MachineEvent(Base):
    """One change that the portal saw at Google and had not asked for."""

    __tablename__ = "machine_events"

    id: Mapped[str] = mapped_column(primary_key=True)
    workstation_id: Mapped[str] = mapped_column(ForeignKey("workstations.id"), index=True)
    kind: Mapped[MachineEventKind] = mapped_column(stored_as_text(MachineEventKind))
    at: Mapped[datetime]
    """By Google's clock where Google said it, otherwise when it was noticed."""
    by: Mapped[str | None]
    """The account that did it, where Google's operation names one."""
