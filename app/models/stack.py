"""A stack is one Terraform root module with its own state: every workstation is one, the shared stack one more."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Sealed, short_id, stored_as_text


class Root(StrEnum):
    """The Terraform roots, named as their folders."""

    WORKSTATION = "workstation"
    SHARED = "shared"


class Stack(Base):
    """One Terraform state's owner. Its id is part of the names of all that it makes at Google."""

    __tablename__ = "stacks"

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: short_id(6))
    root: Mapped[Root] = mapped_column(stored_as_text(Root))
    created_at: Mapped[datetime]
    needs_reconcile: Mapped[bool] = mapped_column("unsettled", default=False)
    """An apply has begun and has not ended well: Google may hold what no state knows, so the next plan adopts first."""


class StateVersion(Base):
    """One stored Terraform state: encrypted, append-only, numbered from 1 within its stack."""

    __tablename__ = "state_versions"
    __table_args__ = (UniqueConstraint("stack_id", "lineage", "serial", "quarantined"),)

    stack_id: Mapped[str] = mapped_column(ForeignKey("stacks.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), index=True)
    attempt: Mapped[int]
    serial: Mapped[int]
    lineage: Mapped[str]
    sealed: Mapped[bytes] = mapped_column(Sealed)
    quarantined: Mapped[bool] = mapped_column(default=False)
    """Written by an attempt that was no longer the current one: kept as evidence, never used as the state."""
    sql_generation: Mapped[int | None]
    """Number of the shared stack's database that it knows of; None where there is none."""
    created_at: Mapped[datetime]


class ProviderLock(Base):
    """The .terraform.lock.hcl of a root's first init, so that every worker installs the very same provider."""

    __tablename__ = "provider_locks"

    root_hash: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[str]
    created_at: Mapped[datetime]
