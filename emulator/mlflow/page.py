"""What the emulated MLflow server shows, and to whom."""

import asyncio
import socket
from collections.abc import Callable
from typing import cast

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from emulator.web.pages import STYLE, Pages
from emulator.web.ports import reset_when_closed


def create_page_app(pages: Pages, name: str, address: str, port: int) -> Starlette:
    async def page(request: Request) -> Response:
        # One request a connection: the firewall is asked at each.
        answer = pages.render("mlflow.html", name=name, url=f"http://{address}:{port}")
        answer.headers["Connection"] = "close"
        return answer

    async def style(request: Request) -> Response:
        return FileResponse(STYLE, headers={"Connection": "close"})

    async def nothing(request: Request, error: Exception) -> Response:
        text = "The emulated MLflow has one page, and no API. `make test-mlflow` runs the real one.\n"
        return PlainTextResponse(text, 404, headers={"Connection": "close"})

    routes = [Route("/", page), Route("/_emulator/style.css", style)]
    return Starlette(routes=routes, exception_handlers={404: nothing})


def firewalled(allows: Callable[[str], bool]) -> type[asyncio.Protocol]:
    """HTTP for clients whose address is admitted.

    Google drops the others' packets, and a browser waits for minutes; here the connection is reset at once.
    """

    class Firewalled(H11Protocol):
        _is_allowed = False

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
            self._is_allowed = allows(str(transport.get_extra_info("peername")[0]))
            if self._is_allowed:
                super().connection_made(transport)
            else:
                reset_when_closed(cast("socket.socket", transport.get_extra_info("socket")))
                transport.abort()

        def connection_lost(self, exc: Exception | None) -> None:
            if self._is_allowed:
                super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self._is_allowed:
                super().data_received(data)

        def eof_received(self) -> None:
            if self._is_allowed:
                super().eof_received()

    return Firewalled
