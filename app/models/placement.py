"""Where a machine may be created, and as what: the alternatives of a run that meets a shortage of capacity."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column


@dataclass(frozen=True)
class Placement:
    """A machine type in a zone, on demand or as Spot."""

    zone: str
    machine_type: str
    spot: bool

    def __str__(self) -> str:
        return f"{self.machine_type} in {self.zone}{' as Spot' if self.spot else ''}"

    @classmethod
    def read(cls, stored: dict[str, Any]) -> Self:
        """From a run's columns: an alternative, one that was tried, or its variables."""
        return cls(stored["zone"], stored["machine_type"], stored["spot"])


@dataclass(frozen=True)
class Tried:
    """A placement for which Google had no capacity."""

    placement: Placement
    at: datetime
    suggested: tuple[str, ...] = ()
    """The zones that Google suggested instead."""


class HasAlternatives:
    """Columns and rules of `Run`."""

    inputs: Mapped[dict[str, Any]]
    alternatives: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    """The placements that may be tried, in the order of preference; the requested one is the first."""
    tried_placements: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    """Those for which Google had no capacity, with "at" and the zones that it "suggested"."""

    @property
    def placements(self) -> list[Placement]:
        """The placements that may be tried."""
        return [Placement.read(stored) for stored in self.alternatives]

    def wanted(self, here: Placement) -> list[Placement]:
        """The placements that it may try.

        :param here: that of its workstation's row, to which a change is applied only when it has succeeded.
        """
        return self.placements or [Placement.read(self.inputs) if self.inputs else here]

    @property
    def tried(self) -> list[Tried]:
        """What was tried without success, in this order."""
        return [
            Tried(Placement.read(each), datetime.fromisoformat(each["at"]), tuple(each.get("suggested", ())))
            for each in self.tried_placements
        ]

    @property
    def requested(self) -> Placement | None:
        """What was asked for first; None if there are no alternatives."""
        return next(iter(self.placements), None)

    def allow(self, placements: Collection[Placement]) -> None:
        """Let the run try these, in this order."""
        self.alternatives = [asdict(placement) for placement in placements]

    def note_shortage(self, placement: Placement, now: datetime, suggested: Collection[str] = ()) -> None:
        """Google has no capacity for this one, and suggests these zones."""
        noted = {**asdict(placement), "at": now.isoformat(), "suggested": list(suggested)}
        self.tried_placements = [*self.tried_placements, noted]
