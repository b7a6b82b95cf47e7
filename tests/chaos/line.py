"""The line to Google: a relay before the emulator, that can be cut and can fall silent."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

from tests.portal_process import free_port

CHUNK = 64 * 1024
STARTS_WITHIN_S = 10.0


class Line:
    """Listens at `port`, and passes on to `target_port`, in a thread of its own."""

    def __init__(self) -> None:
        self.port, self.target_port = free_port(), free_port()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="line", daemon=True)
        self._passes = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen, and pass everything on."""
        self._thread.start()
        self._do(self._restore())

    def refuse(self) -> None:
        """Cut every connection, and refuse new ones."""
        self._do(self._refuse())

    def hang(self) -> None:
        """Not a byte passes either way; new connections are taken and not answered."""
        self._do(self._hang())

    def restore(self) -> None:
        """As it was: what waited passes on."""
        self._do(self._restore())

    def stop(self) -> None:
        """Cut everything, for good."""
        self.refuse()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, action: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(action, self._loop).result(STARTS_WITHIN_S)

    async def _hang(self) -> None:
        self._passes.clear()

    async def _restore(self) -> None:
        self._passes.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def _refuse(self) -> None:
        if self._server:
            self._server.close()
            self._server = None
        for connection in list(self._connections):
            connection.transport.abort()
        self._passes.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            await self._passes.wait()
            there, back = await asyncio.open_connection("127.0.0.1", self.target_port)
            self._connections.add(back)
            await asyncio.gather(self._pass_on(reader, back), self._pass_on(there, writer))
            self._connections.discard(back)
        except OSError:
            pass  # either end has gone: that is all there is to pass on
        finally:
            self._connections.discard(writer)
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(CHUNK):
            await self._passes.wait()
            writer.write(chunk)
            await writer.drain()
        await self._passes.wait()
        if writer.can_write_eof():
            writer.write_eof()
