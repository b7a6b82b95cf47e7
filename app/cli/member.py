"""`stationmaster member`: manage members without signing in, for example if no admin can."""

import asyncio
from typing import Annotated

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


@member.command("remove-security-keys")
def remove_security_keys(email: str) -> None:
    """Remove all security keys of somebody who lost theirs."""
    removed = asyncio.run(_remove_security_keys(email))
    typer.echo(f"Removed {removed} security {'key' if removed == 1 else 'keys'} of {email}.")


async def _remove_security_keys(email: str) -> int:
    from app.services.people import members, security_keys

    async with terminal.portal() as portal, portal.database.transaction() as session:
        return await security_keys.remove_all(portal.context(session), await members.named(session, email))


@member.command("require-security-keys")
def require_security_keys(required: Annotated[bool, typer.Argument(metavar="yes|no")]) -> None:
    """Require a security key of everybody, or stop requiring it."""
    asyncio.run(_require_security_keys(required=required))
    typer.echo(f"Security keys are {'required' if required else 'not required'}.")


async def _require_security_keys(*, required: bool) -> None:
    from app.services.people import fresh_sign_ins

    async with terminal.portal() as portal, portal.database.transaction() as session:
        await fresh_sign_ins.require(portal.context(session), required=required)
