"""A run's log as a file: as text for people, as JSON lines for programs. Streamed, so that none is too long."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, WithJsonSchema

from app.deps import Portal
from app.models import LogLevel, LogLine
from app.routers import streams

JSON_LINES = "application/x-ndjson"


class LogLineAnswer(BaseModel):
    """One line of the log, as one line of JSON."""

    model_config = ConfigDict(from_attributes=True)

    seq: int
    at: datetime
    # In one piece: what streams is no model of a response, so nothing else would be in the API's document.
    level: Annotated[LogLevel, WithJsonSchema({"type": "string", "enum": list(LogLevel)})]
    step: str | None
    message: str


async def json_lines(portal: Portal, run_id: str, after: int = 0) -> AsyncIterator[str]:
    """The lines that are there now, one JSON object each."""
    async for lines in streams.log_batches(portal, run_id, after):
        yield "".join(LogLineAnswer.model_validate(line).model_dump_json() + "\n" for line in lines)


async def text(portal: Portal, run_id: str) -> AsyncIterator[str]:
    """The lines that are there now, as people read them."""
    async for lines in streams.log_batches(portal, run_id):
        yield "".join(_as_text(line) for line in lines)


def _as_text(line: LogLine) -> str:
    level = "" if line.level is LogLevel.INFO else f"{line.level.upper()}: "
    return f"{line.at.isoformat(timespec='milliseconds')} {line.step or 'portal'}: {level}{line.message}\n"
