"""How long a workstation's machine ran in each month."""

from datetime import date

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class RunningTime(Base):
    """One workstation in one month. What goes on is not in it yet: that is `Workstation.running_since`."""

    __tablename__ = "running_times"

    month: Mapped[date] = mapped_column(primary_key=True)
    """The first day of the month, in UTC. It comes first in the index: lists are of one month."""
    workstation_id: Mapped[str] = mapped_column(ForeignKey("workstations.id"), primary_key=True)
    seconds: Mapped[float]
