"""What became of a workstation, in one list: its runs, and what happened to its machine outside the portal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.models import MachineEvent, Run


@dataclass(frozen=True)
class Entry:
    """Either a run or an event."""

    at: datetime
    run: Run | None = None
    event: MachineEvent | None = None


def history_of(runs: Sequence[Run], events: Sequence[MachineEvent]) -> list[Entry]:
    """The newest first."""
    entries = [*(Entry(run.created_at, run=run) for run in runs), *(Entry(event.at, event=event) for event in events)]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)
