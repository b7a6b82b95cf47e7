"""What commands that use the portal's database have in common."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock, config, db, logs
from app.config import Settings
from app.crypto import Vault
from app.db import Database
from app.infra.secrets import SecretStore
from app.services.catalog import Catalog
from app.services.context import Context


@dataclass(frozen=True)
class Installation:
    """The parts of the portal that a command uses."""

    settings: Settings
    database: Database
    vault: Vault
    catalog: Catalog
    secrets: SecretStore

    def context(self, session: AsyncSession) -> Context:
        """The context for services in this transaction, on behalf of the operator."""
        return Context(session, self.settings, self.catalog, self.secrets, self.vault, clock.utc_now())


@asynccontextmanager
async def portal() -> AsyncIterator[Installation]:
    """The portal of the data folder or the environment."""
    config.use_recorded()
    settings = config.load_with_database()
    logs.configure(settings.log_format)
    async with portal_of(settings) as portal:
        yield portal


@asynccontextmanager
async def portal_of(settings: Settings) -> AsyncIterator[Installation]:
    """The portal with these settings."""
    database = db.connect(settings.database_url, pool_size=2)
    catalog, secrets = Catalog.load(settings.catalog_file), SecretStore(settings)
    try:
        yield Installation(settings, database, Vault(settings.encryption_keys), catalog, secrets)
    finally:
        await secrets.close()
        await database.close()


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns. The first row is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
