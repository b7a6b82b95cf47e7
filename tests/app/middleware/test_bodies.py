"""What is too large is refused before it is read, and before anybody is asked who they are."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import repeat
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from app import db
from app.middleware import bodies
from tests.clients import client_of
from tests.web_process import WebProcess

pytestmark = pytest.mark.anyio
MOST = 1_000_000
PATHS = ["/api/v1/workstations", "/api/v1/nothing", "/workstations", "/sign-out", "/ssh_compute_config", "/static/x"]
CLAIMED = 300_000_000


async def _in_pieces(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 1000):
        yield b"x" * 1000


BODIES: dict[str, dict[str, Any]] = {
    "json": {"json": {"name": "x" * MOST}},
    "form": {"data": {"name": "x" * MOST}},
    "multipart": {"data": {"name": "box"}, "files": {"file": b"x" * MOST}},
    "raw": {"content": b"x" * (MOST + 1)},
}


@pytest.fixture
async def stranger(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    """Of a portal that could ask nobody: its database is away."""
    away = db.connect("postgresql://portal@127.0.0.1:9/portal")
    app.state.portal = replace(app.state.portal, database=away)
    async with client_of(app) as stranger:
        yield stranger
    await away.close()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", [*BODIES, "chunked"])
async def test_a_large_body_is_refused_before_its_sender_is_asked_for(
    stranger: httpx2.AsyncClient, path: str, kind: str
) -> None:
    body = BODIES.get(kind) or {"content": _in_pieces(MOST + 1000)}
    refused = await stranger.post(path, headers={"Authorization": "Bearer stm_x"}, **body)

    assert refused.status_code == 413, refused.text
    assert "1,000,000 bytes" in refused.text
    assert refused.headers["x-frame-options"] == "DENY"
    if path.startswith("/api/"):
        assert refused.json()["error"]["code"] == "too_large"


async def test_what_is_just_not_too_large_is_read(grace: httpx2.AsyncClient) -> None:
    empty = len(json.dumps({"name": "", "public_key": ""}, separators=(",", ":")))
    for content in (None, _in_pieces):
        body = json.dumps({"name": "", "public_key": "x" * (MOST - empty)}, separators=(",", ":")).encode()
        assert len(body) == MOST

        async def pieces(body: bytes = body) -> AsyncIterator[bytes]:
            for start in range(0, MOST, 50_000):
                yield body[start : start + 50_000]

        sent = body if content is None else pieces()
        refused = await grace.post("/api/v1/ssh-keys", content=sent, headers={"Content-Type": "application/json"})

        assert refused.status_code == 422
        assert set(refused.json()["error"]["fields"]) >= {"name"}


async def test_a_body_that_does_not_come_is_not_waited_for(
    grace: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0)

    async def never() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    refused = await grace.post("/api/v1/ssh-keys", content=never())

    assert (refused.status_code, refused.json()["error"]["code"]) == (408, "too_slow")


def _answer(connection: socket.socket) -> bytes:
    """All that comes until the other side has enough; it may do so by a reset, while it is still sent to."""
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionResetError:
        pass
    return received


def _send(connection: socket.socket, pieces: Iterator[bytes]) -> int:
    """Send until the other side has enough; returns how much went out."""
    sent = 0
    try:
        for piece in pieces:
            connection.sendall(piece)
            sent += len(piece)
    except OSError:
        pass
    return sent


def _head(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""]).encode()


def _claims(size: int) -> str:
    return f"Content-Length: {size}"


@pytest.mark.parametrize("path", ["/api/v1/workstations", "/workstations", "/sign-out"])
def test_a_claim_is_answered_before_anything_is_sent(web: WebProcess, path: str) -> None:
    with web.connect() as connection:
        connection.sendall(_head(path, _claims(CLAIMED)))
        answer = connection.recv(65536)

        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"connection: close" in answer.lower()


def test_who_asks_first_is_told_before_sending(web: WebProcess) -> None:
    with web.connect() as connection:
        connection.sendall(_head("/sign-out", _claims(CLAIMED), "Expect: 100-continue"))
        connection.shutdown(socket.SHUT_WR)

        assert _answer(connection).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([_claims(10), _claims(CLAIMED)], b"400"),
        ([_claims(10), "Transfer-Encoding: chunked"], b"400"),
        (["Content-Length: -1"], b"400"),
        (["Content-Length: 1e9"], b"400"),
        (["Content-Length: " + "9" * 5000], b"400"),
        (["Transfer-Encoding: gzip, chunked, gzip"], b"400"),
    ],
    ids=range(6),
)
def test_a_length_that_cannot_be_is_refused(web: WebProcess, headers: list[str], status: bytes) -> None:
    with web.connect() as connection:
        connection.sendall(_head("/sign-out", *headers))
        connection.shutdown(socket.SHUT_WR)

        assert _answer(connection).partition(b" ")[2].startswith(status)


def test_what_comes_after_the_length_that_was_said_is_no_body(web: WebProcess) -> None:
    with web.connect() as connection:
        connection.sendall(_head("/sign-out", _claims(10)))
        _send(connection, iter([b"x" * 1_000_000]))

        assert b" 400 " in _answer(connection)


def _pushed(web: WebProcess, number: int) -> bytes:
    """What 300 MB are answered with, sent for as long as they are taken."""
    chunk = b"%x\r\n%s\r\n" % (100_000, b"x" * 100_000)
    how = "Transfer-Encoding: chunked" if number % 2 else _claims(CLAIMED)
    with web.connect() as connection:
        connection.sendall(_head("/api/v1/workstations", how))
        _send(connection, repeat(chunk, 3000))
        return _answer(connection)


def test_memory_stays_flat_under_a_hundred_bodies_of_300_mb(web: WebProcess) -> None:
    _pushed(web, 0)  # what a first answer needs is there then
    before = web.resident_kb
    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(lambda number: _pushed(web, number), range(100)))
    grown = web.most_resident_kb - before
    print(f"100 bodies of 300 MB: {before / 1000:.0f} MB before, at most {grown / 1000:.0f} MB more")

    # Who goes on sending may be cut off before the answer is read.
    assert {answer[:13] for answer in answers} <= {b"HTTP/1.1 413 ", b""}
    assert grown < 60_000
