"""Bring the database to this release's tables: Alembic's, then the queue's, under one lock."""

from pathlib import Path

import psycopg

from app.config import REPOSITORY
from app.db import libpq_url, sqlalchemy_url

LOCK = 7_301_948_211
"""Advisory lock, so that replicas starting at once do not migrate at once."""


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
        _upgrade_tables(database_url)
        if not _has_table(connection, "procrastinate_jobs"):
            from procrastinate.schema import SchemaManager

            # psycopg would take the schema's % signs for parameters, unless it is given none.
            connection.execute(SchemaManager.get_schema().encode())


def _is_current(connection: psycopg.Connection) -> bool:
    if not (_has_table(connection, "alembic_version") and _has_table(connection, "procrastinate_jobs")):
        return False
    applied = {row[0] for row in connection.execute("SELECT version_num FROM alembic_version")}
    return applied == {newest_revision()}


def _has_table(connection: psycopg.Connection, name: str) -> bool:
    row = connection.execute("SELECT to_regclass(%s)", (name,)).fetchone()
    return bool(row and row[0])


def newest_revision() -> str:
    """The newest migration. Files are numbered, so this needs no import of Alembic (0.8 s) at every start."""
    return max(path.stem for path in (REPOSITORY / "migrations" / "versions").glob("[0-9]*.py"))


def _upgrade_tables(database_url: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(REPOSITORY / "migrations")).replace("%", "%%"))
    config.set_main_option("sqlalchemy.url", sqlalchemy_url(database_url).replace("%", "%%"))
    command.upgrade(config, "head")
