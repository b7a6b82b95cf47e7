"""The log of a run. Lines are numbered from 1 without gaps, so that streams and downloads can resume."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import LogLevel, LogLine, Run


@dataclass(frozen=True)
class LogEntry:
    """A line to be written to the log."""

    message: str
    at: datetime
    level: LogLevel = LogLevel.INFO
    step: str | None = None
    """The Terraform command that printed it; None for messages of the portal."""


async def write(session: AsyncSession, run: Run, entries: Sequence[LogEntry]) -> None:
    """Append lines. The caller holds the run's row lock."""
    rows = [
        {"run_id": run.id, "seq": seq, "at": each.at, "level": each.level, "step": each.step, "message": each.message}
        for seq, each in enumerate(entries, start=run.log_seq + 1)
    ]
    if rows:
        await session.execute(insert(LogLine), rows)
    run.log_seq += len(rows)
    # The row's counter must be saved with its lines.
    await session.flush()


async def read(session: AsyncSession, run_id: str, *, after: int = 0, limit: int = 1000) -> list[LogLine]:
    """Lines with a number greater than `after`, in order."""
    query = select(LogLine).where(LogLine.run_id == run_id, LogLine.seq > after)
    return list(await session.scalars(query.order_by(LogLine.seq).limit(limit)))
