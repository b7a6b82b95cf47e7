"""What Google last said of the capacity of a zone, as runs of all members met it."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base
from app.models.placement import Placement


class ZoneCapacity(Base):
    """One machine type in one zone, on demand or as Spot. There is one row of each, so that the table stays small."""

    __tablename__ = "zone_capacities"

    zone: Mapped[str] = mapped_column(primary_key=True)
    machine_type: Mapped[str] = mapped_column(primary_key=True)
    spot: Mapped[bool] = mapped_column(primary_key=True)
    found_at: Mapped[datetime | None]
    """When a machine was last created or started there."""
    none_at: Mapped[datetime | None]
    """When Google last had none."""

    @property
    def has_any(self) -> bool:
        """Whether the last one who asked got one."""
        return self.found_at is not None and (self.none_at is None or self.none_at < self.found_at)

    @property
    def seen_at(self) -> datetime | None:
        """When that was."""
        return max((at for at in (self.found_at, self.none_at) if at), default=None)

    @property
    def placement(self) -> Placement:
        """What it is about."""
        return Placement(self.zone, self.machine_type, self.spot)
