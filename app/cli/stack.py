"""`stationmaster stack`: check a stack out to work on it with Terraform, and check it in again."""

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

stack = typer.Typer(no_args_is_help=True, help="Check a stack out to work on it with Terraform, and find orphans.")

Admin = Annotated[str | None, typer.Option("--as", metavar="EMAIL", help="Your address, if there are several admins.")]
Folder = Annotated[Path, typer.Argument(metavar="DIR", file_okay=False)]


@stack.command("checkout")
def checkout(
    stack_id: Annotated[str, typer.Argument(metavar="ID", help="The workstation's ID.")],
    folder: Folder,
    admin: Annotated[
        str | None, typer.Option("--as", metavar="EMAIL", help="Your address, if there are several admins.")
    ] = None,
    hours: Annotated[int, typer.Option(min=1, max=72, help="Hours until the checkout expires.")] = 8,
) -> None:
    """Check a stack out: its configuration, variables and state are written to a new folder."""
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
                reason = "Discarded: the folder could not be written."
                await checkouts.discard(portal.context(session), taken.run.id, reason)
            raise
        _say_what_next(folder, portal.settings, f"{taken.run.lease_until:{checkouts.TIME}}")


def _say_what_next(folder: "CheckoutFolder", settings: Settings, until: str) -> None:
    from app.infra import terraform

    command = terraform.executable(settings.terraform)
    is_on_path = command == (shutil.which("terraform"),)
    program = "terraform" if is_on_path else shlex.join(command)
    typer.echo(f"Checked out until {until}. Next:")
    if folder.has_environment:
        typer.echo(f"  . {shlex.quote(str(folder.path / 'environment'))}")
    typer.echo(f"  cd {shlex.quote(str(folder.work))} && {program} plan")
    typer.echo(f"  stationmaster stack checkin {shlex.quote(str(folder.path))}")


@stack.command("checkin")
def checkin(
    folder: Folder,
    discard: Annotated[bool, typer.Option("--discard", help="End the checkout without storing anything.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave state and variables in the folder.")] = False,
) -> None:
    """Check a stack in: its state and variables are stored in the portal."""
    asyncio.run(_checkin(folder, discard=discard, keep=keep))


async def _checkin(path: Path, *, discard: bool, keep: bool) -> None:
    from app.cli.checkout_folder import CheckoutFolder

    folder = CheckoutFolder(path)
    async with terminal.portal() as portal:
        try:
            text = await (_discard(portal, folder) if discard else _store(portal, folder))
        except StationmasterError:
            typer.echo(f"Nothing was stored. State and variables are still in {folder.work}.", err=True)
            raise
    typer.echo(text)
    if not keep:
        folder.remove_secrets()
    typer.echo(f"{folder.path} can be removed.")


async def _store(portal: terminal.Installation, folder: "CheckoutFolder") -> str:
    from app.services.by_hand import checkouts

    ticket = folder.ticket()
    folder.check_is_complete(ticket)
    state, inputs = folder.state(), folder.inputs()
    async with portal.database.sessions.begin() as session:
        ctx = portal.context(session)
        return await checkouts.check_in(ctx, ticket.run_id, state, inputs, needs_reconcile=ticket.needed_reconcile)


async def _discard(portal: terminal.Installation, folder: "CheckoutFolder") -> str:
    from app.services.by_hand import checkouts

    text = "Checkout discarded. Nothing was stored."
    async with portal.database.sessions.begin() as session:
        await checkouts.discard(portal.context(session), folder.ticket().run_id, text)
    return text


@stack.command("list-orphans")
def list_orphans() -> None:
    """List resources with the portal's label that are in no state, and snapshots that no workstation lists."""
    findings = asyncio.run(_find_orphans())
    if findings.busy:
        typer.echo(f"Not checked, because they have a run in progress: {', '.join(findings.busy)}.", err=True)
    if not findings.count:
        typer.echo("No orphans.")
        return
    rows = [("ID", "STACK", "OWNER", "WORKSTATION")]
    rows += [(orphan.id, orphan.stack_id, orphan.owner, orphan.belongs_to) for orphan in findings.orphans]
    rows += [(f"snapshot {each.name}", each.stack_id, each.owner, each.belongs_to) for each in findings.snapshots]
    terminal.print_table(rows)


async def _find_orphans() -> "OrphanSearch":
    from app.infra.google import Compute
    from app.services.terraform import orphans
    from app.worker.errors import GOOGLE_ERRORS

    async with terminal.portal() as portal:
        try:
            return await orphans.find(portal.database, portal.vault, Compute(portal.settings))
        except GOOGLE_ERRORS as error:
            raise UnavailableError(f"Listing resources at Google failed: {error}") from error
