"""Inspections: what a worker last saw of the outside world, for the web process, which asks nobody."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Inspection(Base):
    """The newest inspection with a name. Earlier ones are not kept."""

    __tablename__ = "inspections"

    name: Mapped[str] = mapped_column(primary_key=True)
    taken_at: Mapped[datetime]
    content: Mapped[dict[str, Any]]
    """The content, which depends on the inspection."""

    def age(self, now: datetime) -> timedelta:
        """How long ago it was taken."""
        return now - self.taken_at
