"""`stationmaster token`: personal API tokens, made and revoked by the operator."""

import asyncio
from typing import Annotated

import typer

from app.cli import terminal
from app.models import Scope

token = typer.Typer(no_args_is_help=True, help="Personal API tokens.")
DAYS = 90


@token.command("create")
def create(
    email: str,
    name: Annotated[str, typer.Option(help="What the token is for.")] = "cli",
    scope: Annotated[Scope | None, typer.Option(help="What it may do; by default all that its member may.")] = None,
    days: Annotated[int, typer.Option(help="How long it is valid, 365 at most.")] = DAYS,
) -> None:
    """Make a personal API token for somebody who may sign in; it is printed on the last line, once."""
    typer.echo(asyncio.run(_create(email, name, scope, days)))


async def _create(email: str, name: str, scope: Scope | None, days: int) -> str:
    from app.services.people import api_tokens

    async with terminal.portal() as portal, portal.database.sessions.begin() as session:
        return (await api_tokens.create_for_email(portal.context(session), email, name, scope, days)).plain


@token.command("list")
def list_all(email: str) -> None:
    """List the tokens of a member that are not revoked."""
    terminal.print_table([("ID", "BEGINS WITH", "SCOPE", "EXPIRES", "NAME"), *asyncio.run(_list(email))])


async def _list(email: str) -> list[tuple[str, ...]]:
    from app.services.people import api_tokens, members

    async with terminal.portal() as portal, portal.database.sessions.begin() as session:
        member = await members.named(session, email)
        tokens = await api_tokens.list_of(session, member, portal.context(session).now)
    return [(row.id, row.hint, row.scope, f"{row.expires_at:%Y-%m-%d}", row.name) for row in tokens]


@token.command("revoke")
def revoke(email: str, token_id: str) -> None:
    """Revoke a token of a member, by its id."""
    asyncio.run(_revoke(email, token_id))


async def _revoke(email: str, token_id: str) -> None:
    from app.services.people import api_tokens, members

    async with terminal.portal() as portal, portal.database.transaction() as session:
        member = await members.named(session, email)
        await api_tokens.revoke(portal.context(session), await api_tokens.own(session, member, token_id))
