"""Refuses requests for another host name than the portal's."""

from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.errors import MisdirectedError
from app.web import error_response

FOR_PROBES = ("/healthz", "/readyz", "/metrics")
"""Paths that monitoring requests by IP address."""


class OwnHost:
    """An ASGI middleware. Unlike Starlette's TrustedHostMiddleware, it responds with the portal's own error page and
    address."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "http" and scope["path"] not in FOR_PROBES:
            public_url = scope["app"].state.portal.settings.public_url
            if _host_name(Headers(scope=scope).get("host", "")) != urlsplit(public_url).hostname:
                response = error_response(Request(scope, receive), MisdirectedError(public_url))
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _host_name(host: str) -> str | None:
    """The host without its port, in lower case; None if it is invalid."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
