"""A stack: one Terraform root with its own state. Each workstation is a stack, and the shared stack is one."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Sealed, short_id, stored_as_text


class Root(StrEnum):
    """The Terraform roots, named like their folders."""

    WORKSTATION = "workstation"
    SHARED = "shared"


class Stack(Base):
    """A stack. Its ID is part of the names of its resources at Google."""

    __tablename__ = "stacks"

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: short_id(6))
    root: Mapped[Root] = mapped_column(stored_as_text(Root))
    created_at: Mapped[datetime]
    needs_reconcile: Mapped[bool] = mapped_column("unsettled", default=False)
    """An apply has begun and not succeeded, so Google may have resources that no state knows. The next plan adopts
    them first."""


class StateVersion(Base):
    """One stored Terraform state. Versions are never changed, and numbered from 1 in each stack."""

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
    """It was written by an attempt that had lost its run. It is kept as evidence, and never used."""
    sql_generation: Mapped[int | None]
    """The number in the name of the shared stack's database; None without a database."""
    created_at: Mapped[datetime]


class ProviderLock(Base):
    """The .terraform.lock.hcl of a root's first init, so that every worker installs exactly the same provider."""

    __tablename__ = "provider_locks"

    root_hash: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[str]
    created_at: Mapped[datetime]
