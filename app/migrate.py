"""Bring the database to this release's tables: Alembic's, then the queue's, under one lock."""

from importlib.metadata import distribution
from pathlib import Path

import psycopg

from app.config import REPOSITORY
from app.db import libpq_url, sqlalchemy_url

LOCK = 7_301_948_211
"""Advisory lock, so that replicas starting at once do not migrate at once."""
# Found without being imported: procrastinate takes half a second, and `up` needs nothing of it but these files.
QUEUE_SQL = Path(str(distribution("procrastinate").locate_file("procrastinate/sql")))
FIRST_QUEUE = "03.04.00_50_post_add_retry_failed_job_procedure.sql"
"""The newest migration of the queue that was made before it was noted which ones it has."""


def is_current(database_url: str) -> bool:
    """Whether every migration of this release has been applied."""
    with psycopg.connect(libpq_url(database_url)) as connection:
        return _is_current(connection)


def upgrade(database_url: str) -> None:
    """Apply what is missing; nothing to do costs a few milliseconds."""
    with psycopg.connect(libpq_url(database_url), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
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
    """The newest migration. Files are numbered, so this needs no import of Alembic (0.8 s) at every start."""
    return max(path.stem for path in (REPOSITORY / "migrations" / "versions").glob("[0-9]*.py"))


def upgrade_tables(database_url: str, to: str = "head") -> None:
    """Apply Alembic's migrations up to one of them."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(REPOSITORY / "migrations")).replace("%", "%%"))
    config.set_main_option("sqlalchemy.url", sqlalchemy_url(database_url).replace("%", "%%"))
    command.upgrade(config, to)


def _upgrade_queue(connection: psycopg.Connection) -> None:
    """procrastinate brings its migrations as SQL, and leaves it to others to note which ones were applied."""
    with connection.transaction():
        is_new = not _has_table(connection, "procrastinate_jobs")
        if is_new:
            _execute(connection, (QUEUE_SQL / "schema.sql").read_text())
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
    # psycopg would take % signs for parameters, unless it is given none.
    connection.execute(statements.encode())
