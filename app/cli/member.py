"""`stationmaster member`: manage members without signing in, for example if no admin can."""

import asyncio

import typer

from app.cli import terminal
from app.models import Role

member = typer.Typer(no_args_is_help=True, help="Members and their roles.")


@member.command("set-role")
def set_role(email: str, role: Role) -> None:
    """Make somebody an admin or a member, without signing in."""
    typer.echo(asyncio.run(_set_role(email, role)))


async def _set_role(email: str, role: Role) -> str:
    from app.services.people import roles

    async with terminal.portal() as portal, portal.database.transaction() as session:
        changed = await roles.set_role(portal.context(session), email, role)
        return f"{changed.email} is {'an admin' if changed.is_admin else 'a member'}."


@member.command("disable")
def disable(email: str) -> None:
    """Shut somebody out at once; runs take their SSH keys off their machines."""
    asyncio.run(_set_disabled(email, is_disabled=True))
    typer.echo(f"{email} is disabled.")


@member.command("enable")
def enable(email: str) -> None:
    """Let somebody in again."""
    asyncio.run(_set_disabled(email, is_disabled=False))
    typer.echo(f"{email} is enabled.")


async def _set_disabled(email: str, *, is_disabled: bool) -> None:
    from app.services.offboarding import access
    from app.services.people import members

    async with terminal.portal() as portal, portal.database.transaction() as session:
        ctx, changed = portal.context(session), await members.named(session, email)
        await (access.disable(ctx, changed) if is_disabled else access.enable(ctx, changed))
