"""`stationmaster adopt`: show existing resources, and take them over after a confirmation. Nothing is replaced."""

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from app import clock
from app.cli import terminal
from app.errors import NotFoundError

if TYPE_CHECKING:
    from app.cli.adopt_disk import DiskAdoption, DiskRequest
    from app.cli.adoption_folder import AdoptionFolder, Found
    from app.services.by_hand.adoptions import LeasedStack

T = TypeVar("T")
adopt = typer.Typer(no_args_is_help=True, help="Adopt existing resources at Google: a disk, or the shared resources.")
Admin = Annotated[str | None, typer.Option("--as", metavar="EMAIL", help="Your address, if there are several admins.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]


@adopt.command("shared")
def shared(yes: Yes = False, admin: Admin = None) -> None:
    """Adopt existing resources with the names that the shared stack uses."""
    asyncio.run(_shared(admin, sure=yes))


@adopt.command("disk")
def disk(
    name: Annotated[str, typer.Argument(metavar="DISK", help="The disk's name, such as persistent-disk-grace.")],
    owner: Annotated[str, typer.Option(help="Email address of the workstation's owner.")],
    workstation: Annotated[str, typer.Option("--name", help="Name of the workstation, such as gpu-1.")],
    machine_type: Annotated[str, typer.Option(help="Machine type in the catalog.")],
    zone: Annotated[str | None, typer.Option(help="Zone of the disk. Default: the portal's default zone.")] = None,
    address: Annotated[str | None, typer.Option(help="Name of a static IP address to adopt as well.")] = None,
    yes: Yes = False,
    admin: Admin = None,
) -> None:
    """Create a workstation around an existing data disk and, if there is one, a static address."""
    from app.cli.adopt_disk import DiskRequest

    asyncio.run(_disk(DiskRequest(name, owner, workstation, machine_type, zone, address), admin, sure=yes))


async def _shared(email: str | None, *, sure: bool) -> None:
    from app.cli.adoption_folder import AdoptionFolder
    from app.models import Root
    from app.services.by_hand import adoptions, checkouts
    from app.services.seed import imports
    from app.worker.roots import Roots

    async with terminal.portal() as portal:
        root = await Roots(portal.settings, portal.database, clock.utc_now).ready(Root.SHARED)
        async with portal.database.sessions.begin() as session:
            ctx = portal.context(session)
            leased = await adoptions.begin_shared(ctx.acting(await imports.importer(ctx, email)))
        try:
            with tempfile.TemporaryDirectory(prefix="stationmaster-adopt-") as folder:
                adoption = AdoptionFolder(Path(folder) / leased.run_id, root, leased, portal.settings)
                try:
                    found = await _take_shared(adoption, sure=sure)
                    state = adoption.state
                finally:
                    adoption.remove()
            async with portal.database.sessions.begin() as session:
                ids = [each.resource_id for each in found]
                await adoptions.finish_shared(portal.context(session), leased, state, ids)
        # Also Ctrl-C: the stack must not stay leased.
        except BaseException:
            async with portal.database.sessions.begin() as session:
                reason = "Canceled: nothing was adopted."
                await checkouts.discard(portal.context(session), leased.run_id, reason)
            raise
    typer.echo(f"Adopted: {len(found)}. The plan for the remaining changes will wait for approval in the portal.")


async def _take_shared(adoption: "AdoptionFolder", *, sure: bool) -> list["Found"]:
    typer.echo("Looking for existing resources …")
    found: list[Found] = []
    seen: set[str] = set()
    while new := await _find_more(adoption, seen):
        # After the import, Terraform knows the names of resources inside these.
        await adoption.import_all(new, typer.echo)
        found += new
    if not found:
        raise NotFoundError("resource with a name that the shared stack uses")
    _show_and_confirm(await adoption.impact(found), found, sure=sure)
    return found


async def _find_more(adoption: "AdoptionFolder", seen: set[str]) -> list["Found"]:
    from app.worker.adopt_shared import planned_creates

    desired = [
        (address, id_) for address, _, id_ in planned_creates(await adoption.plan("-refresh=false")) if id_ not in seen
    ]
    seen.update(id_ for _, id_ in desired)
    return [found for address, id_ in desired if (found := await adoption.find(address, id_))]


def _show_and_confirm(actions: dict[str, str], found: list["Found"], *, sure: bool) -> None:
    """Show what is adopted, with the next run's plan for it. Ends the command if that is not confirmed."""
    ids = {each.address: each.resource_id for each in found}
    rows = [("RESOURCE", "TERRAFORM ADDRESS", "NEXT PLAN")]
    terminal.print_table(rows + [(ids[address], address, action) for address, action in actions.items()])
    if not sure:
        typer.confirm("Adopt these resources?", abort=True)


async def _disk(spec: "DiskRequest", email: str | None, *, sure: bool) -> None:
    from app.cli.adopt_disk import DiskAdoption
    from app.models import Root
    from app.services.seed import imports
    from app.worker.roots import Roots

    async with terminal.portal() as portal:
        root = await Roots(portal.settings, portal.database, clock.utc_now).ready(Root.WORKSTATION)
        # Not committed, so that nothing is left behind if the operator does not confirm.
        async with portal.database.sessions() as session:
            await imports.importer(portal.context(session), email)
            adopting = await DiskAdoption.prepare(portal.context(session), spec, portal)
        result = await _take_disk(adopting, root, email, sure=sure)
    typer.echo(result)


async def _take_disk(adopting: "DiskAdoption", root: Path, email: str | None, *, sure: bool) -> str:
    from app.cli.adoption_folder import AdoptionFolder

    leased: LeasedStack = adopting.leased
    with tempfile.TemporaryDirectory(prefix="stationmaster-adopt-") as folder:
        adoption = AdoptionFolder(Path(folder) / leased.stack_id, root, leased, adopting.settings)
        try:
            found, actions = await adopting.take(adoption)
            _show_and_confirm(actions, found, sure=sure)
            return await adopting.submit(adoption.state, email)
        finally:
            adoption.remove()
