"""Encryption keys in the database: what each of them opens, and sealing everything anew with the newest."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from cryptography.fernet import InvalidToken
from sqlalchemy import Column, Table, Tuple, select, tuple_, update

from app.crypto import Vault
from app.db import Database
from app.models.base import Base, Sealed

ROWS_A_BATCH = 50
"""So many rows are locked at a time, for as long as it takes to encrypt them."""
NO_KEY: int = -1
"""Stands for the keys that are not there any more."""


@dataclass(frozen=True)
class SealedColumn:
    """One column that the vault has encrypted."""

    column: Column[Any]

    @property
    def table(self) -> Table:
        """Its table."""
        return self.column.table

    @property
    def key(self) -> Tuple:
        """The primary key of its rows."""
        return tuple_(*self.table.primary_key.columns)


def sealed_columns() -> list[SealedColumn]:
    """All of them, whatever they are for."""
    columns = (column for table in Base.metadata.sorted_tables for column in table.columns)
    return [SealedColumn(column) for column in columns if isinstance(column.type, Sealed)]


async def counts(database: Database, vault: Vault) -> Counter[int]:
    """How many values each key opens, by its number (0 is the newest); NO_KEY for what none of them opens."""
    found: Counter[int] = Counter()
    for each in sealed_columns():
        async for batch in _batches(database, each):
            found.update(_key_of(vault, sealed) for *_, sealed in batch)
    return found


async def rotate(database: Database, vault: Vault) -> AsyncIterator[tuple[str, int]]:
    """Seal with the newest key what an older one has sealed; gives each table's name with how many values it was.

    In small transactions, while the portal works: what is read meanwhile opens with either key. What no key opens is
    left as it is.
    """
    for each in sealed_columns():
        changed = 0
        async for batch in _batches(database, each):
            old = [row[:-1] for row in batch if _key_of(vault, row[-1]) > 0]
            changed += await _reseal(database, vault, each, [tuple(key) for key in old])
        yield each.table.name, changed


async def _batches(database: Database, each: SealedColumn) -> AsyncIterator[list[Any]]:
    """Rows of (primary key…, value) in the order of their keys; what is added meanwhile has the newest key anyway."""
    last: tuple[Any, ...] | None = None
    while True:
        query = select(*each.table.primary_key.columns, each.column).where(each.column.is_not(None))
        if last is not None:
            query = query.where(each.key > last)
        async with database.sessions() as session:
            rows = list(await session.execute(query.order_by(each.key).limit(ROWS_A_BATCH)))
        if not rows:
            return
        yield rows
        last = tuple(rows[-1][:-1])


async def _reseal(database: Database, vault: Vault, each: SealedColumn, keys: list[tuple[Any, ...]]) -> int:
    """Read again under a lock: a plan may have been applied meanwhile, and its file be gone."""
    if not keys:
        return 0
    query = select(*each.table.primary_key.columns, each.column).where(each.key.in_(keys), each.column.is_not(None))
    async with database.sessions.begin() as session:
        rows = list(await session.execute(query.order_by(each.key).with_for_update()))
        for *key, sealed in rows:
            changed = update(each.table).where(each.key == tuple(key))
            await session.execute(changed.values({each.column: vault.reseal(sealed)}))
    return len(rows)


def _key_of(vault: Vault, sealed: bytes) -> int:
    try:
        return vault.key_of(sealed)
    except InvalidToken:
        return NO_KEY
