"""The forwarded SSH agent of a session, as a socket in the machine."""

import asyncio
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol, cast

import asyncssh

from emulator.machines.streams import CHUNK

SOCKET = "agent"


_Relay = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class _Writer(Protocol):
    def write(self, data: bytes) -> None: ...
    async def drain(self) -> None: ...


@asynccontextmanager
async def forwarded_agent(process: "asyncssh.SSHServerProcess[bytes]", folder: Path, inside: str) -> AsyncIterator[str]:
    """Listen in the machine while the session runs; yields the socket's path there, empty if no agent is forwarded.

    :param folder: the machine's /tmp.
    :param inside: where the machine's processes see it.
    """
    if process.channel.get_agent_path() is None:
        yield ""
        return
    connection = cast("asyncssh.SSHServerConnection", process.channel.get_connection())
    with tempfile.TemporaryDirectory(prefix="ssh-", dir=folder) as own:
        server = await asyncio.start_unix_server(_relay_to(connection), sock=_socket_in(own))
        try:
            yield f"{inside}/{Path(own).name}/{SOCKET}"
        finally:
            server.close()


def _socket_in(folder: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    descriptor = os.open(folder, os.O_DIRECTORY)
    try:
        # By its descriptor: a socket's path may have 107 characters, and the folder's may be longer.
        listener.bind(f"/proc/self/fd/{descriptor}/{SOCKET}")
    finally:
        os.close(descriptor)
    (Path(folder) / SOCKET).chmod(0o600)
    return listener


def _relay_to(
    connection: asyncssh.SSHServerConnection,
) -> _Relay:
    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            from_agent, to_agent = await connection.open_agent_connection()
        except asyncssh.Error:
            # The client has disconnected, or has no agent.
            writer.close()
            return
        ways = {asyncio.ensure_future(_copy(reader, to_agent)), asyncio.ensure_future(_copy(from_agent, writer))}
        _, open_ways = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in open_ways:
            way.cancel()
        to_agent.close()
        writer.close()

    return relay


async def _copy(source: "asyncio.StreamReader | asyncssh.SSHReader[bytes]", target: _Writer) -> None:
    with suppress(OSError, asyncssh.Error):
        while data := await source.read(CHUNK):
            target.write(data)
            await target.drain()
