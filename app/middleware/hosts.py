"""Only the portal's own name: what is asked of another host is answered by none of its pages."""

from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.errors import MisdirectedError
from app.web import error_response

FOR_PROBES = ("/healthz", "/readyz", "/metrics")
"""Asked for by address, by what watches the process."""


class OwnHost:
    """An ASGI middleware; Starlette's TrustedHostMiddleware answers in plain text, and not with where the portal is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse."""
        if scope["type"] == "http" and scope["path"] not in FOR_PROBES:
            public_url = scope["app"].state.portal.settings.public_url
            if _host_name(Headers(scope=scope).get("host", "")) != urlsplit(public_url).hostname:
                response = error_response(Request(scope, receive), MisdirectedError(public_url))
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _host_name(host: str) -> str | None:
    """Without the port, in lower case; None for what is no host."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
