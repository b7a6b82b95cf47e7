"""What can be wrong after a round, in the four words of the last line."""

from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """How a promise was broken."""

    LOST = "lost"
    """A machine, a request or a line of the log that should be there is not."""
    DUPLICATED = "duplicated"
    """Something is there twice."""
    ORPHANED = "orphaned"
    """Google has what no state knows."""
    STUCK = "stuck"
    """Something that should have ended has not."""


@dataclass(frozen=True)
class Finding:
    """One broken promise, in words."""

    fault: Fault
    words: str

    def __str__(self) -> str:
        return f"{self.fault}: {self.words}"
