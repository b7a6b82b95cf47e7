"""What a worker last saw of the outside, for the web process, which asks nobody."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Snapshot(Base):
    """The newest of its name; the one before is not kept."""

    __tablename__ = "snapshots"

    name: Mapped[str] = mapped_column(primary_key=True)
    taken_at: Mapped[datetime]
    content: Mapped[dict[str, Any]]
    """As whoever takes it means it."""

    def age(self, now: datetime) -> timedelta:
        """How long ago it was taken."""
        return now - self.taken_at
