"""What commands that work on the portal's database have in common."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import typer

from app import config, db, logs
from app.config import Settings
from app.crypto import Vault
from app.db import Database


@dataclass(frozen=True)
class Portal:
    """What such a command works with."""

    settings: Settings
    database: Database
    vault: Vault


@asynccontextmanager
async def portal() -> AsyncIterator[Portal]:
    """The portal of this data folder, or of the environment."""
    config.use_recorded()
    settings = config.load_with_database()
    logs.configure(settings.log_format)
    database = db.connect(settings.database_url, pool_size=2)
    try:
        yield Portal(settings, database, Vault(settings.encryption_keys))
    finally:
        await database.close()


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows, the first of them the heading, in columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
