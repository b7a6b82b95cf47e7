"""The database is brought to this release's tables, the queue's included, whatever it was made by."""

import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import String, create_engine

from app import migrate
from app.db import libpq_url
from app.models import Base
from tests.database import bare_database, fresh_database

SHAPE = """
    SELECT 'function', proname || '(' || pg_get_function_identity_arguments(oid) || ')', prosrc
    FROM pg_proc WHERE proname LIKE 'procrastinate_%'
    UNION ALL
    SELECT 'column', table_name || '.' || column_name, data_type FROM information_schema.columns
    WHERE table_name LIKE 'procrastinate_%'
    UNION ALL
    SELECT 'index', indexname, indexdef FROM pg_indexes WHERE tablename LIKE 'procrastinate_%'
    UNION ALL
    SELECT 'label', typname || ' ' || enumlabel, '' FROM pg_enum JOIN pg_type ON pg_type.oid = enumtypid
"""


@pytest.fixture
def own_database() -> Iterator[str]:
    with fresh_database() as url:
        yield url


def is_ours(name: str | None, kind: str, _: object) -> bool:
    """The queue's tables have no models."""
    return not (kind == "table" and (name or "").startswith("procrastinate_"))


def shape(connection: psycopg.Connection) -> set[tuple[str, ...]]:
    return set(connection.execute(SHAPE))


def remake_queue(connection: psycopg.Connection, newest: str) -> None:
    """As a release left it that brought no migration after this one."""
    connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    for path in sorted((migrate.QUEUE_SQL / "migrations").glob("[0-9]*.sql")):
        if path.name <= newest:
            connection.execute(path.read_text().encode())


def test_a_queue_that_an_earlier_release_made_gets_what_came_since(
    own_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = "03.02.00_50_post_batch_defer_jobs.sql"
    with psycopg.connect(libpq_url(own_database), autocommit=True) as connection:
        new = shape(connection)
        remake_queue(connection, first)
        assert shape(connection) != new
        monkeypatch.setattr(migrate, "FIRST_QUEUE", first)
        assert not migrate.is_current(own_database)

        migrate.upgrade(own_database)

        assert shape(connection) ^ new == set()
    assert migrate.is_current(own_database)


def test_a_migration_that_procrastinate_brings_later_is_missed_and_applied_once(
    own_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert migrate.is_current(own_database)
    shutil.copytree(migrate.QUEUE_SQL, tmp_path, dirs_exist_ok=True)
    (tmp_path / "migrations" / "99.00.00_01_pre_later.sql").write_text(
        "CREATE TABLE procrastinate_later AS SELECT '100%' AS share;"
    )
    monkeypatch.setattr(migrate, "QUEUE_SQL", tmp_path)
    assert not migrate.is_current(own_database)

    migrate.upgrade(own_database)
    migrate.upgrade(own_database)

    assert migrate.is_current(own_database)
    with psycopg.connect(libpq_url(own_database)) as connection:
        assert connection.execute("SELECT share FROM procrastinate_later").fetchall() == [("100%",)]


OLD_MEMBERS = (
    ("m1", "a.b@example.com"),
    ("m2", "grace@m2.invalid"),
    ("m3", "a-b@example.com"),
    ("m4", "grace@example.com"),
    ("m5", "linus@example.com"),
)


def test_names_that_two_members_had_stay_with_who_was_first() -> None:
    with bare_database() as url:
        migrate.upgrade_tables(url, "0015")
        with psycopg.connect(libpq_url(url)) as connection:
            for days, (member_id, email) in enumerate(OLD_MEMBERS):
                connection.execute(
                    "INSERT INTO members (id, sub, email, name, role, created_at, last_seen_at)"
                    " VALUES (%s, %s, %s, %s, 'member', now() + %s * interval '1 day', now())",
                    (member_id, email, email, email, days),
                )
        migrate.upgrade(url)
        with psycopg.connect(libpq_url(url)) as connection:
            names = connection.execute("SELECT id, account_name FROM members ORDER BY id").fetchall()
    assert names == [("m1", "a-b"), ("m2", "grace"), ("m3", "a-b-m3"), ("m4", "grace-m4"), ("m5", "linus")]


def differs(*types: object) -> bool | None:
    """TEXT and VARCHAR without a length are one to PostgreSQL. None leaves the answer to Alembic."""
    inspected, wanted = types[3:]
    return False if isinstance(inspected, String) and isinstance(wanted, String) else None


def test_the_tables_are_as_the_models_say(own_database: str) -> None:
    engine = create_engine(f"postgresql+psycopg{own_database.removeprefix('postgresql')}")
    with engine.connect() as connection, warnings.catch_warnings():
        # Alembic cannot compare one index of ours, which is an expression with an operator class.
        warnings.filterwarnings("ignore", message="Expression #1 .* in index 'ix_allowed_ips_network'")
        options = {"compare_type": differs, "include_name": is_ours}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata) == []
    engine.dispose()
