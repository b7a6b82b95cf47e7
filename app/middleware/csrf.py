"""Protection against forged requests: a request that changes something must come from the portal's own pages or have
a token."""

from urllib.parse import urlsplit

from asgi_cross_origin_protection import CrossOriginProtection
from fastapi import FastAPI, Request
from starlette.datastructures import Headers
from starlette.middleware.sessions import SessionMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from app.deps import Portal, bearer_token, cookie_name
from app.errors import RefusedError
from app.web import error_response

HANDSHAKE_SECONDS = 600
"""How long a sign-in may take at Google."""


def protect(app: FastAPI, portal: Portal) -> None:
    """Check the origin of changing requests, and add the signed short-lived cookie for the sign-in."""
    public = urlsplit(portal.settings.public_url)
    app.add_middleware(
        SessionMiddleware,
        secret_key=portal.vault.derive("handshake"),
        session_cookie=f"{cookie_name(portal.settings)}-handshake",
        max_age=HANDSHAKE_SECONDS,
        path="/auth",
        same_site="lax",
        https_only=portal.settings.is_https,
    )
    # A proxy may pass on another port, so the public address always counts as the portal's own.
    app.add_middleware(OwnOrigin, allowed_origins=[f"{public.scheme}://{public.netloc}"])


class OwnOrigin:
    """CrossOriginProtection, except for requests with a bearer token and no cookie, which no web page can forge."""

    def __init__(self, app: ASGIApp, allowed_origins: list[str]) -> None:
        self._app = app
        self._protected = CrossOriginProtection(app, allowed_origins=allowed_origins, deny_app=_deny)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "http" and _brings_only_a_token(Headers(scope=scope)):
            await self._app(scope, receive, send)
        else:
            await self._protected(scope, receive, send)


def _brings_only_a_token(headers: Headers) -> bool:
    # Another page could make a browser send cookies, but not this header.
    return bearer_token(headers) is not None and "cookie" not in headers


async def _deny(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope, receive)
    refused = RefusedError(
        "This request did not come from Stationmaster.",
        hint="No changes were made. Open the page in Stationmaster and try again.",
    )
    await error_response(request, refused)(scope, receive, send)
