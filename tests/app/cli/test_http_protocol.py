"""Connections that never send a whole request, or read no answer, do not stay."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from app.cli import http_protocol
from app.cli.http_protocol import MOST_BYTES_BESIDE_BODY, LimitedHttp

pytestmark = pytest.mark.anyio
REQUEST = b"POST / HTTP/1.1\r\nHost: portal.test\r\n"
CHUNKED = REQUEST + b"Transfer-Encoding: chunked\r\n\r\n"
LONG = b"x" * (4 * MOST_BYTES_BESIDE_BODY)
PATIENCE_S = 20
"""Nothing here takes long; without the limits it would take for ever."""


class Application:
    """Reads the body, then answers; or answers for ever."""

    def __init__(self) -> None:
        self.is_endless = False
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.is_over = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body", False):
            pass
        await self.may_answer.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            while self.is_endless and not (await _gone(receive)):
                await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
            await send({"type": "http.response.body", "body": b"read"})
        finally:
            self.is_over.set()


async def _gone(receive: Receive) -> bool:
    try:
        message = await asyncio.wait_for(receive(), 0.001)
    except TimeoutError:
        return False
    return bool(message["type"] == "http.disconnect")


@pytest.fixture
def application() -> Application:
    return Application()


@pytest.fixture
async def port(application: Application, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """A server with little patience."""
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(http_protocol, "UNREAD_MS", 500)
    config = uvicorn.Config(
        application, port=0, http=LimitedHttp, lifespan="off", log_level="error", timeout_keep_alive=0
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


async def _all_of(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(PATIENCE_S):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b"reset"


@pytest.mark.parametrize("begun", [b"", b"POST", REQUEST, REQUEST + b"X-More: "], ids=range(4))
async def test_a_request_that_never_comes_is_not_waited_for(port: int, begun: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(begun)

    assert await _all_of(reader) == b""
    writer.close()


async def test_a_head_that_trickles_is_cut_off_all_the_same(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def trickle() -> None:
        writer.write(REQUEST)
        while not writer.is_closing():
            writer.write(b"X: y\r\n")
            await asyncio.sleep(0.02)

    trickling = asyncio.create_task(trickle())
    assert await _all_of(reader) in {b"", b"reset"}
    writer.close()
    await trickling


async def test_after_an_answer_the_next_request_has_as_long(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REQUEST + b"Content-Length: 0\r\n\r\n" + REQUEST)
    answers = await _all_of(reader)

    assert answers.count(b"200 OK") == 1
    writer.close()


async def test_a_request_under_way_is_not_cut_off(port: int, application: Application) -> None:
    application.may_answer.clear()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REQUEST + b"Content-Length: 0\r\nConnection: close\r\n\r\n")
    asyncio.get_running_loop().call_later(3 * http_protocol.HEAD_SECONDS, application.may_answer.set)

    assert (await _all_of(reader)).endswith(b"read\r\n0\r\n\r\n")
    writer.close()


FLOODS: dict[str, Callable[[], bytes]] = {
    "the address": lambda: b"GET /" + LONG,
    "many headers": lambda: REQUEST + b"X: y\r\n" * MOST_BYTES_BESIDE_BODY,
    "one header": lambda: REQUEST + b"X: " + LONG,
    "many trailers": lambda: CHUNKED + b"0\r\n" + b"X: y\r\n" * MOST_BYTES_BESIDE_BODY,
    "one trailer": lambda: CHUNKED + b"0\r\nX: " + LONG,
    "chunks' extensions": lambda: CHUNKED + b"1;x=" + LONG,
    "tiny chunks": lambda: CHUNKED + b"1\r\nx\r\n" * MOST_BYTES_BESIDE_BODY,
}


@pytest.mark.parametrize("flood", FLOODS)
async def test_what_is_no_body_has_a_limit(port: int, flood: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", PATIENCE_S)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(FLOODS[flood]())
    answer = await _all_of(reader)

    # Who still sends while the connection closes may not read the answer; llhttp has limits of its own for some.
    assert answer == b"reset" or answer.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 "))
    writer.close()


async def test_a_body_has_no_such_limit(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    size = 20 * MOST_BYTES_BESIDE_BODY
    writer.write(REQUEST + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)

    assert b"200 OK" in await _all_of(reader)
    writer.close()


async def test_who_reads_no_answer_is_given_up(port: int, application: Application) -> None:
    application.is_endless = True
    with socket.create_connection(("127.0.0.1", port)) as silent:
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        silent.sendall(REQUEST + b"Content-Length: 0\r\n\r\n")

        await asyncio.wait_for(application.is_over.wait(), PATIENCE_S)
