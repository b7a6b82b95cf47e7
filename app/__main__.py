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
from app.config import Settings
from app.errors import ConfigurationError, StartError, StationmasterError
from app.infra.process import accept_signals

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Self-service workstations on Google Cloud.",
)
token = typer.Typer(no_args_is_help=True, help="Personal API tokens.")
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
"""For web or worker to end by itself once its `up` was killed."""
EndWithParent = Annotated[bool, typer.Option("--end-with-parent", hidden=True)]


@cli.callback()
def begin(context: typer.Context) -> None:
    """What a command does itself was asked for on the command line; the processes that serve others say so."""
    if context.invoked_subcommand not in {"up", "web", "worker"}:
        origin.become(origin.COMMAND_LINE)


@cli.command()
def up() -> None:
    """Run everything: the database where none is configured, the web server and a worker."""
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
    """Run the web server alone."""
    settings = _settings(end_with_parent=end_with_parent)
    config.require(settings, *SIGN_IN)
    error_tracking.start(settings, "web")
    from app.cli.web_server import serve

    serve(settings)


@cli.command()
def worker(end_with_parent: EndWithParent = False) -> None:
    """Run a worker alone; there may be as many as you like."""
    settings = _settings(end_with_parent=end_with_parent)
    error_tracking.start(settings, "worker")
    from app.worker.main import work

    asyncio.run(work(settings))


@cli.command()
def migrate() -> None:
    """Bring the database to this release's tables."""
    from app import migrate

    config.use_recorded()
    migrate.upgrade(_settings().database_url)


@token.command("create")
def create_token(email: str, name: Annotated[str, typer.Option(help="What the token is for.")] = "cli") -> None:
    """Make a personal API token for somebody who may sign in; it is printed on the last line, once."""
    typer.echo(asyncio.run(_create_token(email, name)))


async def _create_token(email: str, name: str) -> str:
    from app.cli import terminal
    from app.services.people import api_tokens

    async with terminal.portal() as portal, portal.database.sessions.begin() as session:
        return (await api_tokens.create_for_email(portal.context(session), email, name)).plain


def _settings(*, end_with_parent: bool = False) -> Settings:
    """The settings of a process that goes on without `up`, or with it."""
    accept_signals()
    if end_with_parent:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    settings = config.load_with_database()
    logs.configure(settings.log_format)
    return settings


def _end_with_parent() -> None:
    """Standard input is a pipe from the supervisor that ends when the supervisor does, even by kill -9."""
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)
    # Nobody is there to see that it does not end, such as without the database that went with the supervisor.
    time.sleep(ORPHAN_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Run the command; what a person can mend is a sentence, not a traceback."""
    try:
        cli()
    except Exception as error:
        sentence = _sentence(error)
        if sentence is None:
            raise
        typer.secho(sentence, fg="red", err=True)
        sys.exit(1)


def _sentence(error: Exception) -> str | None:
    """What a person can mend, in words: a setting, a folder that is read-only, a disk that is full, a database away."""
    from app import db

    if isinstance(error, ConfigurationError | StartError | StationmasterError):
        return str(error)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename} cannot be used: {error.strerror}."
    return f"The database does not answer. {error}" if db.is_unavailable(error) else None


if __name__ == "__main__":
    main()
