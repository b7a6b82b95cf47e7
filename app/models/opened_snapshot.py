"""A snapshot that is open: mounted read-only on its machine, from a disk that is made for that time."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.lifetime import HasLifetime

OPEN_FOR = timedelta(hours=24)
"""After this time, it is closed."""
CLOSE_AGAIN_AFTER = timedelta(hours=1)
"""Should closing it fail, it is tried again after this time."""


class OpensSnapshots(HasLifetime):
    """Columns and rules of `Workstation`. One snapshot is open at a time."""

    opened_snapshot: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """The variable of terraform/workstation: the snapshot's name, its date, and its disk's size and type."""
    opened_until: Mapped[datetime | None]
    """When it is closed."""

    @property
    def opened_gb(self) -> int:
        """The size of the disk of the snapshot that is open; 0 if none is."""
        return int(self.opened_snapshot["size_gb"]) if self.opened_snapshot else 0

    def has_opened(self, name: str) -> bool:
        """Whether the snapshot with this name at Google is open, or about to be opened or closed."""
        return self.opened_snapshot is not None and self.opened_snapshot["name"] == name

    def must_close(self, now: datetime) -> bool:
        """Whether the snapshot has been open for long enough."""
        return self.opened_until is not None and self.opened_until <= now

    def set_opened(self, opened: dict[str, Any] | None, now: datetime) -> None:
        """This snapshot is open from now on, or none."""
        self.opened_snapshot = opened
        self.opened_until = now + OPEN_FOR if opened else None
