"""Against guesses: after too many failed sign-ins and tokens of an address, further ones are answered by 429."""

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
    """An ASGI middleware that replaces failing answers only: whoever shares the address and is known always passes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
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
    # Some things a valid token may not do; who sends it is known then.
    is_known = "member" in scope["state"]
    return status == 401 and not is_known and bearer_token(Headers(scope=scope)) is not None


async def _count(scope: Scope) -> int | None:
    portal: Portal = scope["app"].state.portal
    # The request's own address; uvicorn has put in what trusted proxies say.
    seconds = await portal.failed_sign_ins.count(origin.current().place)
    if seconds is not None:
        log.warning("too many failed sign-ins or tokens", address=origin.current().place, seconds=seconds)
    return seconds
