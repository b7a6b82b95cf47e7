"""Snapshots of data disks, as Google stores them."""

from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, short_id, stored_as_text
from app.models.workstation import MOUNT_POINT

GIGABYTE = 1 << 30
"""Google bills snapshots by the binary gigabyte."""


class SnapshotReason(StrEnum):
    """Why a snapshot was taken."""

    MANUAL = "manual"
    """Somebody asked for it."""
    DAILY = "daily"
    """One is taken every day. They are thinned."""
    CHANGE = "change"
    """A change of the disk, the image or the zone followed."""
    DELETED = "deleted"
    """The disk was deleted."""


class Snapshot(Base):
    """A snapshot that exists at Google. It holds the disk as it was at one moment, as after a power cut."""

    __tablename__ = "snapshots"

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: short_id(10))
    workstation_id: Mapped[str] = mapped_column(ForeignKey("workstations.id"), index=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"))
    """The run that took it."""
    name: Mapped[str] = mapped_column(unique=True)
    """Its name at Google, unique in the project."""
    reason: Mapped[SnapshotReason] = mapped_column(stored_as_text(SnapshotReason))
    zone: Mapped[str]
    """The zone of the disk. The snapshot is stored in its region, and can be used in any."""
    disk_size_gb: Mapped[int]
    """The size of the disk. One made from the snapshot is at least as large."""
    storage_bytes: Mapped[int | None] = mapped_column(BigInteger)
    """What is stored of it, compressed and without what earlier snapshots have; None while Google measures it."""
    taken_at: Mapped[datetime]
    """By Google's clock."""
    expires_at: Mapped[datetime | None]
    """When the portal deletes it; None: not by itself."""
    delete_requested_at: Mapped[datetime | None]
    """Since when it is to be deleted."""

    @property
    def date(self) -> str:
        """When it was taken, in UTC, as a word for names and folders: 2026-03-02-0417."""
        return f"{self.taken_at.astimezone(UTC):%Y-%m-%d-%H%M}"

    @property
    def folder(self) -> str:
        """Where it is mounted while it is open."""
        return f"{MOUNT_POINT}/.snapshots/{self.date}"

    @property
    def storage_gb(self) -> Decimal | None:
        """What is stored of it, in gigabytes; None while Google measures it."""
        return None if self.storage_bytes is None else Decimal(self.storage_bytes) / GIGABYTE

    @property
    def is_being_deleted(self) -> bool:
        """Whether it is gone soon, so that nothing can be made from it."""
        return self.delete_requested_at is not None
