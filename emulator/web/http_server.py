"""uvicorn inside an event loop that is not its own."""

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette

logger = logging.getLogger(__name__)
GRACE_S = 1


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the supervisor's: this server ends after the command has."""
        yield


class HttpServer:
    def __init__(self, app: Starlette, protocol: type[asyncio.Protocol] | None = None) -> None:
        """`protocol` handles connections in uvicorn's place."""
        config = uvicorn.Config(
            app,
            http=protocol or "auto",
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=GRACE_S,
        )
        self._server = _Server(config)
        self._serving: asyncio.Task[None] | None = None

    def start(self, listener: socket.socket, on_failure: Callable[[], None]) -> None:
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))

        def ended(serving: "asyncio.Task[None]") -> None:
            if not serving.cancelled() and (error := serving.exception()):
                logger.error("The HTTP server has failed.", exc_info=error)
                on_failure()

        self._serving.add_done_callback(ended)

    async def stop(self) -> None:
        """Waits for calls under way, but not long: operations with a latency are cut."""
        self._server.should_exit = True
        if self._serving:
            await asyncio.wait({self._serving})
