"""What machines did: the numbers of many minutes in one row, since a row for each would need four times the space."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import ARRAY, REAL, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.models.activity import MEASURES, Minute
from app.models.base import Base

SLOTS = 60
KEPT_FOR = {1: timedelta(hours=25), 10: timedelta(days=8), 60: timedelta(days=93)}
"""Step in minutes → how long a block is kept after its end."""
_MOST = frozenset({"typed", "jobs"})
"""Of these the most counts, of the others the mean."""
_Slots = list[float | None]


class ActivityBlock(Base):
    """One workstation in 60 steps of 1, 10 or 60 minutes. None is unknown."""

    __tablename__ = "activity_blocks"

    workstation_id: Mapped[str] = mapped_column(ForeignKey("workstations.id"), primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    """In minutes."""
    begins_at: Mapped[datetime] = mapped_column(primary_key=True)
    is_folded: Mapped[bool] = mapped_column(default=False)
    """Whether its means are in the blocks of longer steps."""
    gpu: Mapped[_Slots] = mapped_column(ARRAY(REAL))
    cpu: Mapped[_Slots] = mapped_column(ARRAY(REAL))
    memory: Mapped[_Slots] = mapped_column(ARRAY(REAL))
    disk: Mapped[_Slots] = mapped_column(ARRAY(REAL))
    received: Mapped[_Slots] = mapped_column(ARRAY(REAL))
    sent: Mapped[_Slots] = mapped_column(ARRAY(REAL))
    typed: Mapped[_Slots] = mapped_column(ARRAY(REAL))
    jobs: Mapped[_Slots] = mapped_column(ARRAY(REAL))

    @classmethod
    def empty(cls, workstation_id: str, step: int, begins_at: datetime) -> "ActivityBlock":
        """A block in which nothing is known."""
        nothing = {measure: [None] * SLOTS for measure in MEASURES}
        return cls(workstation_id=workstation_id, step=step, begins_at=begins_at, is_folded=False, **nothing)

    def put(self, minute: Minute) -> bool:
        """Take over the numbers of a step, unless some are known already; returns whether it did."""
        slot = _slot(minute.at, self.begins_at, self.step)
        known = [getattr(self, measure)[slot] for measure in MEASURES]
        if any(value is not None for value in known):
            return False
        for measure in MEASURES:
            values = list(getattr(self, measure))
            values[slot] = getattr(minute, measure)
            setattr(self, measure, values)
        return True

    @property
    def minutes(self) -> Iterator[Minute]:
        """The steps of which something is known, in order."""
        for slot in range(SLOTS):
            numbers = {measure: getattr(self, measure)[slot] for measure in MEASURES}
            if any(value is not None for value in numbers.values()):
                yield Minute.model_construct(at=self.begins_at + slot * timedelta(minutes=self.step), **numbers)


def beginning(at: datetime, step: int) -> datetime:
    """When the block begins that this moment is in."""
    length = SLOTS * step * 60
    return datetime.fromtimestamp(at.timestamp() // length * length, UTC)


def mean(minutes: list[Minute], at: datetime) -> Minute:
    """Many minutes as one. What is unknown in some of them does not count."""
    numbers = {}
    for measure in MEASURES:
        known = [value for each in minutes if (value := getattr(each, measure)) is not None]
        whole = max if measure in _MOST else lambda values: sum(values) / len(values)
        numbers[measure] = whole(known) if known else None
    return Minute.model_construct(at=at, **numbers)


def _slot(at: datetime, begins_at: datetime, step: int) -> int:
    return int((at - begins_at).total_seconds() // 60) // step
