"""One action on many workstations: requested at once, carried out one by one in the background."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, stored_as_text
from app.models.member import Member
from app.models.run import Run
from app.models.workstation import Workstation


class BulkVerb(StrEnum):
    """What can be done with many workstations."""

    START = "start"
    STOP = "stop"
    DELETE = "delete"
    """Their data disks are kept."""


class BulkAction(Base):
    """What an admin requested."""

    __tablename__ = "bulk_actions"

    id: Mapped[str] = mapped_column(primary_key=True)
    verb: Mapped[BulkVerb] = mapped_column(stored_as_text(BulkVerb))
    search: Mapped[str | None]
    """The search that found the workstations; None if they were selected one by one."""
    requested_by: Mapped[str] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime]
    origin: Mapped[str]
    request_id: Mapped[str | None]
    """Where the request came from, for the audit entry of each workstation."""

    requester: Mapped[Member] = relationship(lazy="raise")


class BulkItem(Base):
    """One of its workstations, with the outcome."""

    __tablename__ = "bulk_items"
    __table_args__ = (
        Index("bulk_items_to_do", "bulk_action_id", "position", postgresql_where=text("done_at IS NULL")),
    )

    bulk_action_id: Mapped[str] = mapped_column(ForeignKey("bulk_actions.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    """Its place in the list, from 1."""
    workstation_id: Mapped[str] = mapped_column(ForeignKey("workstations.id"))
    run_id: Mapped[str | None] = mapped_column(ForeignKey("runs.id"))
    problem: Mapped[str | None]
    """Why there is no run, as a sentence."""
    done_at: Mapped[datetime | None]
    """When the request for this workstation was made or refused; None while it waits."""

    workstation: Mapped[Workstation] = relationship(lazy="raise")
    run: Mapped[Run | None] = relationship(lazy="raise")
