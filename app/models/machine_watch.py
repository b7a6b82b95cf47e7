"""How far the portal knows what Google says of all machines. There is one row."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base

MACHINES = "machines"


class MachineWatch(Base):
    """One worker watches for all of them, as long as it renews its lease."""

    __tablename__ = "machine_watch"
    LEASE = timedelta(seconds=50)
    CURRENT_FOR = timedelta(seconds=60)
    """After so long without an answer from Google, what is known of machines may be wrong."""

    id: Mapped[str] = mapped_column(primary_key=True, default=MACHINES)
    worker_id: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    known_at: Mapped[datetime | None]
    """As of when every machine is known."""
    error: Mapped[str | None]
    """Why Google could not be asked since then."""

    def is_current(self, now: datetime) -> bool:
        """Whether what is known of machines can be relied on."""
        return self.known_at is not None and now - self.known_at <= self.CURRENT_FOR

    def succeed(self, as_of: datetime) -> None:
        """Google has answered."""
        self.known_at, self.error = as_of, None

    def fail(self, error: str) -> None:
        """Google has not."""
        self.error = error
