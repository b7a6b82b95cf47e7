"""Limits for HTTP connections that uvicorn does not have: on the time to send a request's head, and on its size."""

import asyncio
import socket
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 10.0
"""How many seconds a client has to send the head of a request."""
MOST_BYTES_BESIDE_BODY = 256 * 1024
"""The size limit of request line, headers, trailers and chunk frames, in bytes. The parser has none."""
UNREAD_MS = 60_000
"""How many seconds a client may take nothing of a response before the connection is closed."""

_TOO_MUCH = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class LimitedHttp(HttpToolsProtocol):
    """A connection with limits.

    uvicorn limits only the idle time after a response, so a client that never completes a request would stay for ever.
    """

    _deadline: asyncio.TimerHandle | None = None
    _beside_body = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """A client has connected."""
        super().connection_made(transport)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            tcp = transport.get_extra_info("socket")
            tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MS)
        self._await_head(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Data has arrived: part of a request, or several."""
        self._beside_body += len(data)
        super().data_received(data)
        if self._beside_body > MOST_BYTES_BESIDE_BODY and not self.transport.is_closing():
            self.logger.warning("The request line and headers are too large.")
            self.transport.write(_TOO_MUCH)
            self.transport.close()

    def on_message_begin(self) -> None:
        """The parser has found the start of a request."""
        self._beside_body = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head of the request is complete."""
        self._stop_waiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Part of the body has arrived."""
        self._beside_body -= len(body)
        super().on_body(body)

    def on_response_complete(self) -> None:
        """The response is complete, and the next request may come."""
        super().on_response_complete()
        self._await_head(self.timeout_keep_alive + HEAD_SECONDS)

    def _await_head(self, seconds: float) -> None:
        self._stop_waiting()
        self._deadline = self.loop.call_later(seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        under_way: Any = self.cycle
        if under_way is None or under_way.response_complete:
            self.transport.close()
