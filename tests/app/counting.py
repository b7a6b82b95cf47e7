"""How much of the database something reads: rows of a model, and statements."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event, func, select

from app.db import Database
from app.models import Base


@contextmanager
def loaded(model: type[Base]) -> Iterator[list[Base]]:
    """Rows of a model as they are read; what a session has already is not read again."""
    seen: list[Base] = []

    def note(row: Base, _: object) -> None:
        seen.append(row)

    event.listen(model, "load", note)
    try:
        yield seen
    finally:
        event.remove(model, "load", note)


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Statements as they are sent."""
    seen: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        seen.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)


async def rows(database: Database, *models: type[Base]) -> list[int]:
    """How many rows of each model there are."""
    async with database.sessions() as session:
        return [await session.scalar(select(func.count()).select_from(model)) or 0 for model in models]
