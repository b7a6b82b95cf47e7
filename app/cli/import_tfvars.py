"""`stationmaster import-tfvars`: show what the seed's variables describe, and request it after a confirmation."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import terminal
from app.errors import ConflictError, InvalidError

if TYPE_CHECKING:
    from app.services.seed.imports import Import, Source

Admin = Annotated[str | None, typer.Option("--as", metavar="EMAIL", help="Your address, if there are several admins.")]
File = Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="The seed's terraform.tfvars.")]
People = Annotated[Path, typer.Option("--people", exists=True, dir_okay=False, help="CSV with the columns name,email.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]


def import_tfvars(file: File, people: People, yes: Yes = False, admin: Admin = None) -> None:
    """Request what the seed's terraform.tfvars describes: workstations for its users, and the shared stack."""
    asyncio.run(_import(_source(file), _source(people), admin, sure=yes))


def _source(path: Path) -> "Source":
    from app.services.seed.imports import Source

    try:
        return Source(path.name, path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise InvalidError(f"{path} is not UTF-8 text.") from None


async def _import(variables: "Source", people: "Source", email: str | None, *, sure: bool) -> None:
    from app.services.seed import imports

    async with terminal.portal() as portal:
        # Not committed, so that nothing is left behind if the operator does not confirm.
        async with portal.database.sessions() as session:
            ctx = portal.context(session)
            await imports.importer(ctx, email)
            prepared = await imports.prepare(ctx, variables, people)
        _show(prepared, portal.settings.google_project)
        if prepared.changes_nothing:
            typer.echo("Nothing to do: everything exists or is already requested.")
            return
        if not sure:
            typer.confirm("Request this?", abort=True)
        by = await _submit(portal, variables, people, prepared, email)
    typer.echo(_summary(prepared, by))


async def _submit(
    portal: terminal.Installation, variables: "Source", people: "Source", shown: "Import", email: str | None
) -> str:
    from app.services.seed import imports

    async with portal.database.transaction() as session:
        ctx = portal.context(session)
        by = await imports.importer(ctx, email)
        pairs = await imports.first_pairs(ctx.acting(by), shown)
        # Only what was confirmed may be requested.
        if await imports.prepare(ctx, variables, people) != shown:
            raise ConflictError(
                "Something has changed since this was shown. Nothing was imported. Run the command again."
            )
        await imports.submit(ctx.acting(by), shown, pairs)
        return by.email


def _show(prepared: "Import", project: str) -> None:
    typer.echo(f"Project {project}")
    rows = [("USER", "EMAIL", "WORKSTATION", "MACHINE TYPE", "ZONE", "DISK", "STATUS")]
    for desired in prepared.workstations:
        spec = desired.machine.spec
        status = "already exists" if desired.exists else "new"
        disk = f"{spec.disk_size_gb} GB {spec.disk_type}" + (", Spot" if spec.spot else "")
        rows.append((desired.machine.user, desired.email, spec.name, spec.machine_type, str(spec.zone), disk, status))
    if len(rows) > 1:
        terminal.print_table(rows)
    for desired in prepared.to_request:
        for note in desired.machine.notes:
            typer.echo(f"  {desired.machine.user}, {desired.machine.spec.name}: {note}")
    _show_shared(prepared)
    for note in prepared.notes:
        typer.echo(f"  {note}")


def _show_shared(prepared: "Import") -> None:
    shared = prepared.shared
    if not shared.is_desired:
        return
    typer.echo("Shared stack: one plan, which requires approval in the portal")
    for name, value in shared.settings.items():
        typer.echo(f"  {name}: {value}")
    for admin in shared.iam_admins:
        typer.echo(f"  IAM admin {admin}")
    for cidr in shared.cidrs:
        typer.echo(f"  allowed IP {cidr}")


def _summary(prepared: "Import", by: str) -> str:
    count = len(prepared.to_request)
    parts = [f"{count} workstation{'' if count == 1 else 's'} requested"] if count else []
    parts += ["the shared stack's plan will wait for approval"] if prepared.shared.is_desired else []
    return f"Imported by {by}: {', '.join(parts)}."
