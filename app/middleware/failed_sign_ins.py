"""Limits failed sign-ins and tokens: after too many from an IP address, further failures get the status 429."""

import structlog
from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import origin
from app.deps import Portal, bearer_token
from app.errors import TooManyError
from app.web import error_response

log = structlog.get_logger()
CALLBACK = "/auth/callback"
FAILED = (400, 401, 403)


class FailedSignInLimit:
    """An ASGI middleware that replaces only failures, so that others who share the IP address are not affected."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_replaced = False

        async def send_unless_too_many(message: Message) -> None:
            nonlocal is_replaced
            if message["type"] == "http.response.start" and _is_failed(scope, message["status"]):
                seconds = await _count(scope)
                if seconds is not None:
                    is_replaced = True
                    refused = TooManyError("Too many sign-ins or tokens from your address failed.", seconds)
                    await error_response(Request(scope), refused)(scope, receive, send)
            if not is_replaced:
                await send(message)

        await self._app(scope, receive, send_unless_too_many)


def _is_failed(scope: Scope, status: int) -> bool:
    if scope["path"] == CALLBACK:
        return status in FAILED
    # A 401 for a known member means that a token is not enough, not that it is invalid.
    is_known = "viewer" in scope["state"]
    return status == 401 and not is_known and bearer_token(Headers(scope=scope)) is not None


async def _count(scope: Scope) -> int | None:
    portal: Portal = scope["app"].state.portal
    # uvicorn has already taken the client's address from trusted proxies.
    seconds = await portal.failed_sign_ins.count(origin.current().place)
    if seconds is not None:
        log.warning("too many failed sign-ins or tokens", address=origin.current().place, seconds=seconds)
    return seconds
