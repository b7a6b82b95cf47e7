"""`stationmaster stack`: break glass. An admin works on a stack with Terraform, and gives it back."""

import asyncio
import shlex
import shutil
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app import clock
from app.cli import terminal
from app.config import Settings
from app.environment import REACHES_GOOGLE, chosen
from app.errors import StationmasterError, UnavailableError

if TYPE_CHECKING:
    from app.cli.checkout_folder import CheckoutFolder
    from app.services.terraform.orphans import OrphanSearch

stack = typer.Typer(no_args_is_help=True, help="Break glass: work on a stack by hand, find what no state knows.")

Folder = Annotated[Path, typer.Argument(metavar="DIR", file_okay=False)]


@stack.command("checkout")
def checkout(
    stack_id: Annotated[str, typer.Argument(metavar="ID", help="The workstation's id.")],
    folder: Folder,
    admin: Annotated[str | None, typer.Option("--as", metavar="EMAIL", help="Who you are, of several admins.")] = None,
    hours: Annotated[int, typer.Option(min=1, max=72, help="How long it is yours.")] = 8,
) -> None:
    """Take a stack out of the portal's hands: its configuration, variables and state, in a new folder."""
    asyncio.run(_checkout(stack_id, folder, admin, hours))


async def _checkout(stack_id: str, path: Path, email: str | None, hours: int) -> None:
    from app.cli.checkout_folder import CheckoutFolder
    from app.models import Root
    from app.services.by_hand import checkouts
    from app.worker.roots import Roots

    folder = CheckoutFolder(path)
    folder.check_is_free()
    async with terminal.portal() as portal:
        root = await Roots(portal.settings, portal.database, clock.utc_now).ready(Root.WORKSTATION)
        async with portal.database.sessions.begin() as session:
            ctx = portal.context(session).acting(await checkouts.admin(session, email))
            taken = await checkouts.check_out(ctx, stack_id, timedelta(hours=hours))
        try:
            folder.write(root, taken, chosen(REACHES_GOOGLE))
        except BaseException:
            async with portal.database.sessions.begin() as session:
                reason = "Given back: the folder could not be written."
                await checkouts.discard(portal.context(session), taken.run.id, reason)
            raise
        _say_what_next(folder, portal.settings, f"{taken.run.lease_until:{checkouts.TIME}}")


def _say_what_next(folder: "CheckoutFolder", settings: Settings, until: str) -> None:
    from app.infra import terraform

    command = terraform.executable(settings.terraform)
    is_on_path = command == (shutil.which("terraform"),)
    program = "terraform" if is_on_path else shlex.join(command)
    typer.echo(f"Yours until {until}. Next:")
    if folder.has_environment:
        typer.echo(f"  . {shlex.quote(str(folder.path / 'environment'))}")
    typer.echo(f"  cd {shlex.quote(str(folder.work))} && {program} plan")
    typer.echo(f"  stationmaster stack checkin {shlex.quote(str(folder.path))}")


@stack.command("checkin")
def checkin(
    folder: Folder,
    discard: Annotated[bool, typer.Option("--discard", help="Give it back, and store nothing.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave state and variables in the folder.")] = False,
) -> None:
    """Give a stack back: its state and variables become the portal's."""
    asyncio.run(_checkin(folder, discard=discard, keep=keep))


async def _checkin(path: Path, *, discard: bool, keep: bool) -> None:
    from app.cli.checkout_folder import CheckoutFolder

    folder = CheckoutFolder(path)
    async with terminal.portal() as portal:
        try:
            text = await (_give_back(portal, folder) if discard else _store(portal, folder))
        except StationmasterError:
            typer.echo(f"Nothing was stored. State and variables are in {folder.work}, as they were.", err=True)
            raise
    typer.echo(text)
    if not keep:
        folder.remove_secrets()
    typer.echo(f"{folder.path} can be removed.")


async def _store(portal: terminal.Installation, folder: "CheckoutFolder") -> str:
    from app.services.by_hand import checkouts

    ticket = folder.ticket()
    folder.check_is_at_rest(ticket)
    state, inputs = folder.state(), folder.inputs()
    async with portal.database.sessions.begin() as session:
        ctx = portal.context(session)
        return await checkouts.check_in(ctx, ticket.run_id, state, inputs, needs_reconcile=ticket.was_unsettled)


async def _give_back(portal: terminal.Installation, folder: "CheckoutFolder") -> str:
    from app.services.by_hand import checkouts

    text = "Returned. Nothing was stored."
    async with portal.database.sessions.begin() as session:
        await checkouts.discard(portal.context(session), folder.ticket().run_id, text)
    return text


@stack.command("list-orphans")
def list_orphans() -> None:
    """List what Google has of the portal's, and no state knows."""
    findings = asyncio.run(_find_orphans())
    if findings.busy:
        typer.echo(f"Left out, since a run of theirs is at work: {', '.join(findings.busy)}.", err=True)
    if not findings.orphans:
        typer.echo("No orphans.")
        return
    rows = [("ID", "STACK", "OWNER", "WORKSTATION")]
    rows += [(orphan.id, orphan.stack_id, orphan.owner, orphan.belongs_to) for orphan in findings.orphans]
    terminal.print_table(rows)


async def _find_orphans() -> "OrphanSearch":
    from app.infra.google import Compute
    from app.services.terraform import orphans
    from app.worker.errors import GOOGLE_ERRORS

    async with terminal.portal() as portal:
        try:
            return await orphans.find(portal.database, portal.vault, Compute(portal.settings))
        except GOOGLE_ERRORS as error:
            raise UnavailableError(f"Google could not be asked what exists: {error}") from error
