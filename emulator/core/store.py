"""The emulator's store, a SQLite file that survives restarts and kill -9."""

import fcntl
import json
import random
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS objects (
  type TEXT NOT NULL, id TEXT NOT NULL, number INTEGER NOT NULL, state TEXT NOT NULL, secret TEXT NOT NULL,
  cloud TEXT NOT NULL, PRIMARY KEY (type, id));
CREATE TABLE IF NOT EXISTS operations (
  name TEXT PRIMARY KEY, object_type TEXT NOT NULL, object_id TEXT NOT NULL, done INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS operations_in_progress ON operations (object_type, object_id) WHERE NOT done;
CREATE TABLE IF NOT EXISTS calls (
  number INTEGER PRIMARY KEY, at TEXT NOT NULL, op TEXT NOT NULL, type TEXT NOT NULL, id TEXT NOT NULL, status INTEGER);
"""
CALLS_KEPT = 20_000
OPERATIONS_KEPT = 2_000


class StoreInUse(Exception):  # noqa: N818 - reads as the sentence it is
    """Another emulator uses this data folder."""


@dataclass
class CloudResource:
    """A resource: its state for Terraform, and what only the cloud knows."""

    type: str
    id: str
    state: Json
    secret: Json = field(default_factory=dict)
    """Write-only arguments, such as payloads, which must not appear in `state`."""
    cloud: Json = field(default_factory=dict)
    """Status, creation time, and values of the resource's type."""
    number: int = field(default_factory=lambda: random.getrandbits(60) | 1 << 60)
    """Google's numeric ID. Each creation gets a new one, even with an old name."""


class Store:
    """The store. It is used only from the event loop's thread, and every call is one short statement."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = (folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreInUse(f"another emulator is running with the data in {folder}") from None
        path = folder / "store.sqlite"
        path.touch(mode=0o600)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;" + SCHEMA)

    def close(self) -> None:
        self._db.close()
        self._lock.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction. It cannot be nested."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # --- facts: small values decided once

    def fact(self, name: str) -> str | None:
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else None

    def set_fact(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    # --- objects

    def put(self, resource: CloudResource) -> None:
        parts = (json.dumps(part) for part in (resource.state, resource.secret, resource.cloud))
        self._db.execute(
            "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?)",
            (resource.type, resource.id, resource.number, *parts),
        )

    def get(self, type_: str, id_: str) -> CloudResource | None:
        row = self._db.execute("SELECT * FROM objects WHERE type = ? AND id = ?", (type_, id_)).fetchone()
        return _object(row) if row else None

    def delete(self, resource: CloudResource) -> None:
        self._db.execute("DELETE FROM objects WHERE type = ? AND id = ?", (resource.type, resource.id))

    def all(self, type_: str | None = None, prefix: str = "") -> list[CloudResource]:
        """Resources by type and ID; `prefix` is of the ID."""
        rows = self._db.execute(
            "SELECT * FROM objects WHERE (?1 IS NULL OR type = ?1) AND id GLOB ?2 ORDER BY type, id",
            (type_, _glob(prefix)),
        )
        return [_object(row) for row in rows]

    # --- operations

    def put_operation(self, name: str, resource: CloudResource, body: Json, *, done: bool) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO operations VALUES (?, ?, ?, ?, ?)",
            (name, resource.type, resource.id, int(done), json.dumps(body)),
        )

    def operation(self, name: str) -> Json | None:
        row = self._db.execute("SELECT body FROM operations WHERE name = ?", (name,)).fetchone()
        return dict(json.loads(row[0])) if row else None

    def operations(self) -> list[Json]:
        """All operations, newest first."""
        rows = self._db.execute("SELECT body FROM operations ORDER BY rowid DESC LIMIT ?", (OPERATIONS_KEPT,))
        return [dict(json.loads(row[0])) for row in rows]

    def unfinished(self, resource: CloudResource | None = None) -> list[Json]:
        """Bodies of operations in progress: on one object, or on all."""
        rows = self._db.execute(
            "SELECT body FROM operations WHERE NOT done AND (?1 IS NULL OR (object_type = ?1 AND object_id = ?2))",
            (resource.type if resource else None, resource.id if resource else None),
        )
        return [dict(json.loads(row[0])) for row in rows]

    # --- the log of calls

    def log_call(self, at: str, op: str, type_: str, id_: str) -> int:
        cursor = self._db.execute("INSERT INTO calls (at, op, type, id) VALUES (?, ?, ?, ?)", (at, op, type_, id_))
        number = int(cursor.lastrowid or 0)
        if number % 1000 == 0:
            self._forget_old()
        return number

    def _forget_old(self) -> None:
        self._db.execute("DELETE FROM calls WHERE number < (SELECT max(number) FROM calls) - ?", (CALLS_KEPT,))
        self._db.execute(
            "DELETE FROM operations WHERE done AND rowid < (SELECT max(rowid) FROM operations) - ?", (OPERATIONS_KEPT,)
        )

    def call_answered(self, number: int, status: int) -> None:
        self._db.execute("UPDATE calls SET status = ? WHERE number = ?", (status, number))

    def calls(self, after: int = 0) -> list[Json]:
        rows = self._db.execute("SELECT * FROM calls WHERE number > ? ORDER BY number", (after,))
        names = ("number", "at", "op", "type", "id", "status")
        return [dict(zip(names, row, strict=True)) for row in rows]


def _glob(prefix: str) -> str:
    return re.sub(r"[*?\[]", "[\\g<0>]", prefix) + "*"


def _object(row: tuple[Any, ...]) -> CloudResource:
    type_, id_, number, state, secret, cloud = row
    return CloudResource(type_, id_, json.loads(state), json.loads(secret), json.loads(cloud), number)
