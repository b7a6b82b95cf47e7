"""The audit log as files: CSV and JSON Lines, streamed because they can be long."""

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.models import AuditEntry


class AuditEntryAnswer(BaseModel):
    """One decision."""

    model_config = ConfigDict(from_attributes=True)

    number: int
    at: datetime
    actor_id: str | None = Field(description="The member who decided; null for the portal or an operator.")
    actor: str = Field(description="Their email address at the time, or Stationmaster, or operator.")
    action: str = Field(description="The action.", examples=["workstation.destroy"])
    thing_kind: str
    thing_id: str
    thing_name: str
    origin: str = Field(description='A client\'s IP address, "command line" or "worker".')
    request_id: str | None
    before: dict[str, Any]
    after: dict[str, Any]


FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""Characters that start a formula in a spreadsheet (OWASP, CSV injection)."""


async def json_lines(batches: AsyncIterator[list[AuditEntry]]) -> AsyncIterator[str]:
    """One JSON object per line."""
    async for batch in batches:
        yield "".join(AuditEntryAnswer.model_validate(entry).model_dump_json() + "\n" for entry in batch)


async def csv_rows(batches: AsyncIterator[list[AuditEntry]]) -> AsyncIterator[str]:
    """A header line, then one line per entry."""
    columns = list(AuditEntryAnswer.model_fields)
    yield _lines([columns])
    async for batch in batches:
        yield _lines([[cell(getattr(entry, column)) for column in columns] for entry in batch])


def _lines(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def cell(value: object) -> str:
    """A value as it stands in a CSV file, never as a formula."""
    if isinstance(value, datetime):
        return value.isoformat()
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value if value is not None else "")
    return f"'{text}" if text.startswith(FORMULA) else text
