"""Migrates the database to this release: first with Alembic, then the queue's tables, under one lock."""

from importlib.metadata import distribution
from pathlib import Path

import psycopg

from app.config import REPOSITORY
from app.db import libpq_url, sqlalchemy_url

LOCK = 7_301_948_211
"""The advisory lock that prevents simultaneous migrations when several replicas start."""
# Located without an import: procrastinate takes half a second to import, and `up` needs only these files.
QUEUE_SQL = Path(str(distribution("procrastinate").locate_file("procrastinate/sql")))
FIRST_QUEUE = "03.04.00_50_post_add_retry_failed_job_procedure.sql"
"""The last migration of procrastinate from before its applied migrations were recorded."""


def is_current(database_url: str) -> bool:
    """Whether all migrations of this release have been applied."""
    with psycopg.connect(libpq_url(database_url)) as connection:
        return _is_current(connection)


def upgrade(database_url: str) -> None:
    """Apply missing migrations. If there are none, this takes a few milliseconds."""
    with psycopg.connect(libpq_url(database_url), autocommit=True) as connection:
        # Released when the connection closes, also after a crash.
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        # Another process may have migrated while this one waited for the lock.
        if _is_current(connection):
            return
        upgrade_tables(database_url)
        _upgrade_queue(connection)


def _is_current(connection: psycopg.Connection) -> bool:
    if not (_has_table(connection, "alembic_version") and _has_table(connection, "procrastinate_migrations")):
        return False
    applied = {row[0] for row in connection.execute("SELECT version_num FROM alembic_version")}
    return applied == {newest_revision()} and not _missing_of_queue(connection)


def _has_table(connection: psycopg.Connection, name: str) -> bool:
    row = connection.execute("SELECT to_regclass(%s)", (name,)).fetchone()
    return bool(row and row[0])


def newest_revision() -> str:
    """The newest migration."""
    # From the file names, because importing Alembic would take 0.8 s at every start.
    return max(path.stem for path in (REPOSITORY / "migrations" / "versions").glob("[0-9]*.py"))


def upgrade_tables(database_url: str, to: str = "head") -> None:
    """Apply Alembic's migrations up to this one."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    # Alembic's configuration interprets %.
    config.set_main_option("script_location", str(Path(REPOSITORY / "migrations")).replace("%", "%%"))
    config.set_main_option("sqlalchemy.url", sqlalchemy_url(database_url).replace("%", "%%"))
    command.upgrade(config, to)


def _upgrade_queue(connection: psycopg.Connection) -> None:
    """Apply procrastinate's migrations."""
    with connection.transaction():
        is_new = not _has_table(connection, "procrastinate_jobs")
        if is_new:
            _execute(connection, (QUEUE_SQL / "schema.sql").read_text())
        # procrastinate does not record which migrations were applied.
        if not _has_table(connection, "procrastinate_migrations"):
            connection.execute("CREATE TABLE procrastinate_migrations (name text PRIMARY KEY)")
            _note(connection, [path for path in _queue_migrations() if is_new or path.name <= FIRST_QUEUE])
    for path in _missing_of_queue(connection):
        with connection.transaction():
            _execute(connection, path.read_text())
            _note(connection, [path])


def _queue_migrations() -> list[Path]:
    return sorted((QUEUE_SQL / "migrations").glob("[0-9]*.sql"))


def _missing_of_queue(connection: psycopg.Connection) -> list[Path]:
    noted = {row[0] for row in connection.execute("SELECT name FROM procrastinate_migrations")}
    return [path for path in _queue_migrations() if path.name not in noted]


def _note(connection: psycopg.Connection, applied: list[Path]) -> None:
    connection.cursor().executemany(
        "INSERT INTO procrastinate_migrations VALUES (%s)", [(path.name,) for path in applied]
    )


def _execute(connection: psycopg.Connection, statements: str) -> None:
    # With parameters, psycopg would interpret % signs.
    connection.execute(statements.encode())
