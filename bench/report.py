"""Figures, one a line, each beside its limit."""

import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured value."""

    name: str
    value: float
    limit: float | None
    """None for what only explains another."""
    unit: str

    def __str__(self) -> str:
        measured = f"{self.name:58} {self.value:9.2f} {self.unit:3}"
        if self.limit is None:
            return measured
        verdict = "ok" if self.value <= self.limit else "OVER"
        return f"{measured} limit {self.limit:7.2f} {self.unit:3} {verdict}"


def percentile(values: list[float], percent: int) -> float:
    """The value that so many percent do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def median(values: list[float]) -> float:
    """The middle value."""
    return statistics.median(values)
