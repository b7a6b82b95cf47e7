"""Reads the bodies of requests before anything else sees the request, and refuses those that are too large."""

import asyncio
from contextlib import suppress

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import StationmasterError, TooLargeError, TooSlowError
from app.web import error_response

BODY_SECONDS = 60.0
"""How long a body may take; enough for a megabyte at 17 kB per second."""
LINGER_SECONDS = 5.0
LINGER_BYTES = 8_000_000
"""How much of a refused body is read and discarded. A client that is still sending does not read the response."""
SMALL_BYTES = 64 * 1024
LARGE_AT_ONCE = 16
"""How many bodies above SMALL_BYTES are read at the same time, which limits memory. Other senders wait."""
MOST_DIGITS = 18


class BodyLimit:
    """An ASGI middleware that passes on only complete bodies.

    FastAPI's own `max_body_size` is checked later: after the caller of a form has been looked up, or not at all if no
    handler reads the body.
    """

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self._app = app
        self._most_bytes = most_bytes
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            body = await self._read(Headers(scope=scope), receive)
        except StationmasterError as refused:
            await _refuse(refused, scope, receive, send)
            return
        if body is not None:
            await self._app(scope, _once(body, receive), send)

    async def _read(self, headers: Headers, receive: Receive) -> bytes | None:
        """The complete body; None if the client has disconnected."""
        self._check(_declared(headers))
        # Without these headers, HTTP/1.1 allows no body.
        if "content-length" not in headers and "transfer-encoding" not in headers:
            return b""
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await self._collect(receive)
        except TimeoutError as error:
            raise TooSlowError from error

    async def _collect(self, receive: Receive) -> bytes | None:
        body = bytearray()
        more = await self._add(body, receive, SMALL_BYTES)
        if more:
            # Only for large bodies, so that they cannot delay small ones.
            async with self._large:
                more = await self._add(body, receive, self._most_bytes)
        return None if more is None else bytes(body)

    async def _add(self, body: bytearray, receive: Receive, enough: int) -> bool | None:
        """Read until there are more than `enough` bytes. Returns whether the body continues; None if the client has
        disconnected."""
        while len(body) <= enough:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            self._check(len(body))
            if not message.get("more_body", False):
                return False
        return True

    def _check(self, size: int) -> None:
        if size > self._most_bytes:
            raise TooLargeError(self._most_bytes)


def _declared(headers: Headers) -> int:
    """The size in Content-Length. The web server itself refuses invalid values."""
    length = headers.get("content-length", "")[:MOST_DIGITS]
    return int(length) if length.isascii() and length.isdecimal() else 0


def _once(body: bytes, receive: Receive) -> Receive:
    """A receive function that returns the body first, and then the client's disconnect."""
    given = False

    async def receive_body() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_body


async def _refuse(error: StationmasterError, scope: Scope, receive: Receive, send: Send) -> None:
    async def send_and_stay(message: Message) -> None:
        await send({**message, "more_body": True} if message["type"] == "http.response.body" else message)

    response = error_response(Request(scope), error)
    # The rest of the body is not read, so the connection cannot be reused.
    response.headers["Connection"] = "close"
    await response(scope, receive, send_and_stay)
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            await _throw_away(receive)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _throw_away(receive: Receive) -> None:
    thrown = 0
    while thrown < LINGER_BYTES:
        message = await receive()
        if not message.get("more_body", False):
            return
        thrown += len(message["body"])
