"""The `stationmaster` command."""

import asyncio
import os
import signal
import sys
import threading
import time
from typing import Annotated

import typer

from app import config, error_tracking, logs, origin
from app.cli.adopt import adopt
from app.cli.backup import backup, restore
from app.cli.doctor import doctor
from app.cli.import_tfvars import import_tfvars
from app.cli.keys import keys
from app.cli.member import member
from app.cli.stack import stack
from app.cli.token import token
from app.config import Settings
from app.errors import ConfigurationError, StartError, StationmasterError
from app.infra.process import accept_signals

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Self-service workstations on Google Cloud.",
)
cli.add_typer(token, name="token")
cli.add_typer(stack, name="stack")
cli.add_typer(keys, name="keys")
cli.add_typer(member, name="member")
cli.command()(doctor)
cli.add_typer(adopt, name="adopt")
cli.command("import-tfvars")(import_tfvars)
cli.command()(backup)
cli.command()(restore)

SIGN_IN = ("oidc_client_id", "oidc_client_secret")
ORPHAN_SECONDS = 10.0
"""How long a process without its `up` has to end by itself."""
EndWithParent = Annotated[bool, typer.Option("--end-with-parent", hidden=True)]


@cli.callback()
def begin(context: typer.Context) -> None:
    """Set the origin of audit entries: the command line. Processes that serve others set their own."""
    if context.invoked_subcommand not in {"up", "web", "worker"}:
        origin.become(origin.COMMAND_LINE)


@cli.command()
def up() -> None:
    """Run everything: a database if none is configured, the web server and a worker."""
    from app.cli import data_folder
    from app.cli.supervisor import Supervisor, check_port

    accept_signals()
    settings = config.load()
    config.require(settings, *SIGN_IN)
    logs.configure(settings.log_format)
    lock = data_folder.lock(settings.data_dir)
    check_port(settings.host, settings.port)
    if not settings.encryption_keys:
        os.environ["STATIONMASTER_ENCRYPTION_KEYS"] = data_folder.own_keys(settings.data_dir)
    Supervisor(settings, lock).run()


@cli.command()
def web(end_with_parent: EndWithParent = False) -> None:
    """Run only the web server."""
    settings = _settings(end_with_parent=end_with_parent)
    config.require(settings, *SIGN_IN)
    error_tracking.start(settings, "web")
    from app.cli.web_server import serve

    serve(settings)


@cli.command()
def worker(end_with_parent: EndWithParent = False) -> None:
    """Run only a worker. There can be any number of them."""
    settings = _settings(end_with_parent=end_with_parent)
    error_tracking.start(settings, "worker")
    from app.worker.main import work

    asyncio.run(work(settings))


@cli.command()
def migrate() -> None:
    """Migrate the database to this release."""
    from app import migrate

    config.use_recorded()
    migrate.upgrade(_settings().database_url)


def _settings(*, end_with_parent: bool = False) -> Settings:
    """The settings of a process that runs with or without `up`."""
    accept_signals()
    if end_with_parent:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    settings = config.load_with_database()
    logs.configure(settings.log_format)
    return settings


def _end_with_parent() -> None:
    """Wait for the end of the supervisor, then stop this process."""
    # Standard input is a pipe from the supervisor, which closes even if the supervisor is killed.
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)
    # Nobody else would notice if it does not end, for example because the embedded database is gone as well.
    time.sleep(ORPHAN_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Run the command. Errors that a person can fix are shown as a sentence, without a traceback."""
    try:
        cli()
    except Exception as error:
        sentence = _sentence(error)
        if sentence is None:
            raise
        typer.secho(sentence, fg="red", err=True)
        sys.exit(1)


def _sentence(error: Exception) -> str | None:
    """The sentence for an error that a person can fix; None for others."""
    from app import db

    if isinstance(error, ConfigurationError | StartError | StationmasterError):
        return str(error)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename} cannot be used: {error.strerror}."
    return f"The database does not answer. {error}" if db.is_unavailable(error) else None


if __name__ == "__main__":
    main()
