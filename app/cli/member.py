"""`stationmaster member`: manage members without signing in, for example if no admin can."""

import asyncio

import typer

from app.cli import terminal
from app.models import Role

member = typer.Typer(no_args_is_help=True, help="Members and their roles.")


@member.callback()
def group() -> None:
    """Makes Typer treat `set-role` as a subcommand, although there is only one."""


@member.command("set-role")
def set_role(email: str, role: Role) -> None:
    """Make somebody an admin or a member, without signing in."""
    typer.echo(asyncio.run(_set_role(email, role)))


async def _set_role(email: str, role: Role) -> str:
    from app.services.people import members

    async with terminal.portal() as portal, portal.database.transaction() as session:
        changed = await members.set_role(portal.context(session), email, role)
        return f"{changed.email} is {'an admin' if changed.is_admin else 'a member'}."
