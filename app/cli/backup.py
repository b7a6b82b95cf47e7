"""`stationmaster backup` and `restore`: the whole database in one file, and its encryption keys in another."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from app import config, migrate
from app.cli import data_folder, postgres_programs, terminal
from app.config import Settings
from app.db import libpq_url
from app.errors import StartError

File = Annotated[Path, typer.Argument(metavar="FILE", help="The backup file.")]
Keys = Annotated[Path | None, typer.Option("--keys", metavar="FILE", help="A separate file for the encryption keys.")]
LIKE_HERE = ("--no-owner", "--no-privileges")
"""The restored tables get the owner and the privileges of the new database, not of the old one."""


def backup(file: File, keys: Keys = None) -> None:
    """Write the database to a file. The portal may be running."""
    # A copy of that folder would contain everything that is needed to decrypt it.
    if keys and keys.resolve().parent == file.resolve().parent:
        raise StartError("Keep the keys in another folder than the backup. Whoever has both can read everything.")
    for path in filter(None, (file, keys)):
        if path.exists():
            raise StartError(f"{path} already exists.")
    config.use_recorded()
    settings = config.load()
    with _database(settings) as url:
        _dump(url, file)
    typer.echo(f"{file}: {file.stat().st_size / 1e6:.1f} MB")
    if keys:
        data_folder.write_private(keys, ",".join(_encryption_keys(settings)))
        typer.echo(f"{keys}: the keys for its encrypted columns")
    else:
        typer.echo("A backup cannot be used without its encryption keys: --keys FILE writes them, to another folder.")


def restore(file: File, keys: Keys = None) -> None:
    """Fill an empty database from a backup of this release or an earlier one."""
    settings = config.load()
    _check_release(file)
    with _empty_database(settings) as url:
        if keys:
            _install_keys(settings, keys)
        opening = _encryption_keys(settings)
        options = ("--single-transaction", "--exit-on-error", *LIKE_HERE, f"--dbname={_name(url)}")
        postgres_programs.run("pg_restore", *options, str(file), url=url)
        migrate.upgrade(url)
        # The database may be an embedded one, whose URL is not in the settings.
        restored = settings.model_copy(update={"database_url": url, "encryption_keys": opening})
        unread = asyncio.run(_prepare_restored(restored, file.name))
    # Restored all the same: the missing key can be added later.
    if unread:
        raise StartError(f"Restored, but some values cannot be decrypted because a key is missing: {unread}.")
    typer.echo("Restored. Everybody has to sign in again; API tokens are those of the backup.")
    typer.echo("Once the portal runs, `stationmaster stack list-orphans` lists machines created after the backup.")


def _dump(url: str, file: Path) -> None:
    """Dump the database to a file that only this user can read. An incomplete file is never left under its name."""
    draft = file.with_name(f"{file.name}.part")
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    postgres_programs.run("pg_dump", "--format=custom", *LIKE_HERE, f"--file={draft}", url=url)
    draft.rename(file)


def _check_release(file: Path) -> None:
    """Raise StartError if the backup is from a newer release."""
    rows = postgres_programs.run("pg_restore", "--data-only", "--table=alembic_version", "--file=-", str(file))
    revisions = [line for line in rows.splitlines() if line.isdecimal()]
    if not revisions:
        raise StartError(f"{file} is not a backup of Stationmaster.")
    if max(revisions) > migrate.newest_revision():
        raise StartError(f"{file} was made by a newer release of Stationmaster.")


def _install_keys(settings: Settings, keys: Path) -> None:
    """Store the keys where `up` reads them. Raises StartError if other keys are configured."""
    file = settings.data_dir / data_folder.KEY
    if settings.encryption_keys or file.exists():
        where = "STATIONMASTER_ENCRYPTION_KEYS" if settings.encryption_keys else file
        raise StartError(f"{where} already has keys. Append the backup's keys after a comma, and omit --keys.")
    data_folder.write_private(file, keys.read_text().strip())


def _encryption_keys(settings: Settings) -> tuple[str, ...]:
    """The keys of the settings or the data folder. Raises ConfigurationError if there are none."""
    file = settings.data_dir / data_folder.KEY
    if settings.encryption_keys or not file.exists():
        config.require(settings, "encryption_keys")
        return settings.encryption_keys
    return tuple(key.strip() for key in file.read_text().split(","))


async def _prepare_restored(settings: Settings, name: str) -> int:
    """Prepare the restored database; returns how many values no key decrypts."""
    from app.services.by_hand import encryption, restores

    async with terminal.portal_of(settings) as portal:
        async with portal.database.sessions.begin() as session:
            await restores.prepare_restored(portal.context(session), name)
        return (await encryption.counts(portal.database, portal.vault))[encryption.NO_KEY]


@contextmanager
def _database(settings: Settings) -> Iterator[str]:
    """The URL of the portal's database. The embedded one is started if it does not run."""
    if settings.database_url and _answers(settings.database_url):
        yield settings.database_url
    elif (settings.data_dir / "postgres").exists():
        with _embedded(settings) as url:
            yield url
    else:
        config.require(settings, "database_url")
        raise StartError("The database does not answer.")


@contextmanager
def _empty_database(settings: Settings) -> Iterator[str]:
    """The URL of the database to restore to. Raises StartError if it is not empty."""
    if settings.database_url:
        _check_empty(settings.database_url)
        yield settings.database_url
    else:
        with _embedded(settings) as url:
            _check_empty(url)
            yield url


def _check_empty(url: str) -> None:
    with psycopg.connect(libpq_url(url)) as connection:
        if connection.execute("SELECT 1 FROM pg_tables WHERE schemaname = 'public' LIMIT 1").fetchone():
            raise StartError("The database is not empty. Restore into a new one, or into a new data folder.")


@contextmanager
def _embedded(settings: Settings) -> Iterator[str]:
    """The URL of the embedded database, without the portal. Raises StartError if the portal runs."""
    from app.cli import embedded_postgres

    lock = data_folder.lock(settings.data_dir)
    server = embedded_postgres.prepare(settings.data_dir, lock)
    try:
        server.start()
        yield server.url
    finally:
        server.stop(60)
        os.close(lock)


def _answers(url: str) -> bool:
    try:
        psycopg.connect(libpq_url(url), connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _name(url: str) -> str:
    with psycopg.connect(libpq_url(url)) as connection:
        return connection.info.dbname
