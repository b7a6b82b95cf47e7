"""The encryption keys of the database: how many values each decrypts, and re-encrypting with the newest key."""

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
"""How many rows are locked at a time while they are re-encrypted."""
NO_KEY: int = -1
"""The number for values that no key decrypts."""


@dataclass(frozen=True)
class SealedColumn:
    """A column that the vault has encrypted."""

    column: Column[Any]

    @property
    def table(self) -> Table:
        """The column's table."""
        return self.column.table

    @property
    def key(self) -> Tuple:
        """The primary key of its rows."""
        return tuple_(*self.table.primary_key.columns)


def sealed_columns() -> list[SealedColumn]:
    """All encrypted columns."""
    columns = (column for table in Base.metadata.sorted_tables for column in table.columns)
    return [SealedColumn(column) for column in columns if isinstance(column.type, Sealed)]


async def counts(database: Database, vault: Vault) -> Counter[int]:
    """How many values each key decrypts, by the key's number (0 is the newest), or NO_KEY."""
    found: Counter[int] = Counter()
    for each in sealed_columns():
        async for batch in _batches(database, each):
            found.update(_key_of(vault, sealed) for *_, sealed in batch)
    return found


async def rotate(database: Database, vault: Vault) -> AsyncIterator[tuple[str, int]]:
    """Re-encrypt with the newest key what older keys have encrypted; yields each table's name and how many values
    changed.

    Values that no key decrypts are left as they are.
    """
    # In small transactions, so that the portal keeps working: meanwhile it can decrypt with all keys.
    for each in sealed_columns():
        changed = 0
        async for batch in _batches(database, each):
            # Values with the newest key, or with none of the keys, are left alone.
            old = [row[:-1] for row in batch if _key_of(vault, row[-1]) > 0]
            changed += await _reseal(database, vault, each, [tuple(key) for key in old])
        yield each.table.name, changed


async def _batches(database: Database, each: SealedColumn) -> AsyncIterator[list[Any]]:
    """Rows of (primary key…, value), ordered by key."""
    # Rows that are added meanwhile have the newest key, so it does not matter whether they are seen.
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
    """Re-encrypt the values of these rows."""
    if not keys:
        return 0
    query = select(*each.table.primary_key.columns, each.column).where(each.key.in_(keys), each.column.is_not(None))
    async with database.sessions.begin() as session:
        # Read again under a lock: a run may have changed or deleted its value.
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
