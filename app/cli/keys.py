"""`stationmaster keys …`: the keys that encrypt states, plans and passwords in the database."""

import asyncio
import os

import typer
from cryptography.fernet import Fernet

from app import config
from app.cli import data_folder, terminal
from app.crypto import fingerprint

keys = typer.Typer(no_args_is_help=True, help="Encryption keys: create, list, re-encrypt.")


@keys.command("new")
def new() -> None:
    """Create a key, and print where to put it."""
    key = Fernet.generate_key().decode()
    file = config.data_dir() / data_folder.KEY
    if file.exists() and not os.environ.get("STATIONMASTER_ENCRYPTION_KEYS"):
        data_folder.add_key(file, key)
        typer.echo(f"Key {fingerprint(key)} is now the first in {file}.")
        typer.echo("Next: restart `stationmaster up`, then run `stationmaster keys rotate`.")
        return
    typer.echo(f"Key {fingerprint(key)}, for STATIONMASTER_ENCRYPTION_KEYS of every web process and worker:")
    typer.echo("1. Put it last in the list and restart them one by one: then all of them can decrypt with it.")
    typer.echo("2. Put it first and restart them again: then it encrypts.")
    typer.echo("3. Run `stationmaster keys rotate`, with the same list.")
    typer.echo(key)


@keys.command("list")
def list_keys() -> None:
    """Show how many values in the database each key decrypts."""
    asyncio.run(_list())


@keys.command("rotate")
def rotate() -> None:
    """Re-encrypt with the newest key what older keys have encrypted, while the portal keeps running."""
    asyncio.run(_rotate())


async def _list() -> None:
    async with terminal.portal() as portal:
        await _show(portal)


async def _rotate() -> None:
    from app.services.by_hand import encryption

    async with terminal.portal() as portal:
        if len(portal.settings.encryption_keys) == 1:
            typer.echo("There is only one key. Create another with `stationmaster keys new`.")
            raise typer.Exit(1)
        async for table, changed in encryption.rotate(portal.database, portal.vault):
            typer.echo(f"{table}: {changed} re-encrypted")
        await _show(portal)


async def _show(portal: terminal.Installation) -> None:
    """Print how many values each key decrypts, and which keys can be removed."""
    from app.services.by_hand import encryption

    counts = await encryption.counts(portal.database, portal.vault)
    names = [fingerprint(key) for key in portal.settings.encryption_keys]
    rows = [("KEY", "USED FOR", "VALUES")]
    for number, name in enumerate(names):
        rows.append((name, "decrypting" if number else "encrypting, decrypting", str(counts[number])))
    terminal.print_table(rows)
    if counts[encryption.NO_KEY]:
        typer.secho(f"{counts[encryption.NO_KEY]} values cannot be decrypted with these keys.", fg="red")
    idle = [name for number, name in enumerate(names) if number and not counts[number]]
    if idle:
        typer.echo(
            f"{', '.join(idle)} is no longer used. Once every process has been restarted with {names[0]} first, "
            "remove it from the list, and keep it for the backups made before today."
        )
