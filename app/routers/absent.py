"""Paths that lead nowhere: page not found, with the menu of whoever is signed in."""

from fastapi import FastAPI, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.deps import cookie_name, get_caller, get_portal


def add_to(app: FastAPI) -> None:
    """Find out who asks for a path that no router has, as the other pages' dependencies do."""
    not_found: ASGIApp = app.router.default

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await _recognise(Request(scope, receive))
        await not_found(scope, receive, send)

    app.router.default = respond


async def _recognise(request: Request) -> None:
    portal = get_portal(request)
    # Without a cookie nobody can be recognised, and the database is left alone.
    if cookie_name(portal.settings) in request.cookies:
        async with portal.database.transaction() as session:
            await get_caller(request, portal, session, None)
