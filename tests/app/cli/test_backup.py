"""Backup and restore: the whole database, into an empty one; what does not fit together is said before it begins."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from cryptography.fernet import Fernet
from sqlalchemy import func, select
from typer.testing import CliRunner

from app import db
from app.__main__ import cli
from app.crypto import Vault
from app.errors import ConfigurationError, StartError
from app.models import AuditEntry, SignIn, Stack, Workstation
from app.services import workstations
from app.services.people import sign_ins
from app.services.shared import shared_stack
from app.services.workstations.specs import WorkstationSpec
from tests.app.test_config import NEEDED
from tests.database import bare_database
from tests.stage import Stage

pytestmark = pytest.mark.anyio


class Place:
    """An operator's shell at some computer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self._monkeypatch, self.folder = monkeypatch, folder
        for name, value in NEEDED.items():
            monkeypatch.setenv(name, value)
        self.at("old")

    def at(self, name: str, url: str = "", keys: str = "") -> Path:
        """Its data folder."""
        data = self.folder / name
        data.mkdir(exist_ok=True)
        self._monkeypatch.setenv("STATIONMASTER_DATA_DIR", str(data))
        self._monkeypatch.setenv("DATABASE_URL", url)
        self._monkeypatch.setenv("STATIONMASTER_ENCRYPTION_KEYS", keys)
        return data


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Place:
    return Place(monkeypatch, tmp_path)


@pytest.fixture
def bare_url() -> Iterator[str]:
    with bare_database() as url:
        yield url


async def fill(stage: Stage) -> None:
    """A machine that was asked for, the shared stack's passwords, and somebody who is signed in."""
    async with stage.acting("grace") as ctx:
        spec = WorkstationSpec.model_validate({"name": "dev-1", "machine_type": "e2-standard-4"})
        await workstations.request(ctx, ctx.member, spec)
        await shared_stack.find(ctx)
        await sign_ins.start(ctx, address="127.0.0.1", user_agent="a browser")


async def run(name: str, *arguments: Path) -> None:
    """One command, in a thread of its own: it has an event loop of its own."""
    await asyncio.to_thread(CliRunner().invoke, cli, [name, *map(str, arguments)], catch_exceptions=False)


async def run_with_keys(name: str, file: Path, keys: Path) -> None:
    await run(name, file, Path("--keys"), keys)


@pytest.fixture
async def backed_up(stage: Stage, place: Place, database_url: str) -> tuple[Path, Path]:
    """The backup of a portal that was used, and its keys."""
    await fill(stage)
    place.at("old", database_url, stage.settings.encryption_keys[0])
    (place.folder / "safe").mkdir()
    dump, keys = place.folder / "portal.dump", place.folder / "safe" / "keys"
    await run_with_keys("backup", dump, keys)
    return dump, keys


async def test_what_was_there_is_there_again_and_is_looked_at_before_it_counts(
    backed_up: tuple[Path, Path], place: Place, bare_url: str, stage: Stage
) -> None:
    dump, keys = backed_up
    data = place.at("new", bare_url)
    await run_with_keys("restore", dump, keys)
    assert (data / "encryption.key").read_text() == stage.settings.encryption_keys[0]

    restored = db.connect(bare_url, pool_size=1)
    async with restored.sessions() as session:
        workstation = (await session.scalars(select(Workstation))).one()
        assert workstation.name == "dev-1"
        shared = await shared_stack.find(stage.context(session))
        assert shared_stack.secrets_of(shared, Vault(stage.settings.encryption_keys))
        assert set(await session.scalars(select(Stack.needs_reconcile))) == {True}
        assert await session.scalar(select(func.count()).select_from(SignIn)) == 0
        newest = (await session.scalars(select(AuditEntry).order_by(AuditEntry.number.desc()).limit(1))).one()
        assert (newest.actor, newest.words, newest.thing_name) == ("operator", "restored the portal from", dump.name)
        jobs = "SELECT count(*) FROM procrastinate_jobs"
        assert (await (await session.connection()).exec_driver_sql(jobs)).scalar() is not None
    await restored.close()


async def test_nothing_is_restored_over_what_is_there(
    backed_up: tuple[Path, Path], place: Place, database_url: str
) -> None:
    place.at("new", database_url)
    with pytest.raises(StartError, match="not empty"):
        await run_with_keys("restore", *backed_up)


async def test_without_the_keys_nothing_is_begun(backed_up: tuple[Path, Path], place: Place, bare_url: str) -> None:
    place.at("new", bare_url)
    with pytest.raises(ConfigurationError, match="STATIONMASTER_ENCRYPTION_KEYS is missing"):
        await run("restore", backed_up[0])
    with psycopg.connect(bare_url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


async def test_other_keys_than_the_backups_are_said(backed_up: tuple[Path, Path], place: Place, bare_url: str) -> None:
    place.at("new", bare_url, Fernet.generate_key().decode())
    with pytest.raises(StartError, match="omit --keys"):
        await run_with_keys("restore", *backed_up)
    with pytest.raises(StartError, match="because a key is missing: 1"):
        await run("restore", backed_up[0])


async def test_a_backup_of_a_newer_release_is_refused(
    stage: Stage, place: Place, database_url: str, bare_url: str
) -> None:
    place.at("old", database_url, stage.settings.encryption_keys[0])
    dump = place.folder / "newer.dump"
    with psycopg.connect(database_url) as connection:
        (applied,) = connection.execute("SELECT version_num FROM alembic_version").fetchone() or ("",)
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    try:
        await run("backup", dump)
    finally:
        with psycopg.connect(database_url) as connection:
            connection.execute("UPDATE alembic_version SET version_num = %s", (applied,))
    place.at("new", bare_url, stage.settings.encryption_keys[0])
    with pytest.raises(StartError, match="a newer release"):
        await run("restore", dump)


async def test_keys_beside_the_backup_are_refused(place: Place) -> None:
    with pytest.raises(StartError, match="another folder"):
        await run_with_keys("backup", place.folder / "portal.dump", place.folder / "keys")


async def test_the_embedded_database_is_started_for_it(
    place: Place, stage: Stage, backed_up: tuple[Path, Path]
) -> None:
    data = place.at("new")
    await run_with_keys("restore", *backed_up)
    again = place.folder / "again.dump"
    await run("backup", again)
    assert again.stat().st_size > 10_000
    assert not (data / "postgres" / "postmaster.pid").exists()
