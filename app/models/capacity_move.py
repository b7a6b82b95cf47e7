"""Whether a workstation that cannot be started for want of capacity moves to another zone by itself."""

from sqlalchemy.orm import Mapped, mapped_column

from app.models.snapshot_schedule import HasDailySnapshots


class MovesForCapacity(HasDailySnapshots):
    """A column of `Workstation`."""

    moves_itself: Mapped[bool] = mapped_column(default=False)
    """Whether a start for which Google has no capacity is followed by a move to another zone of the region."""
