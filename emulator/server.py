"""The running emulator: HTTP server, machines and COMMAND in one event loop."""

import logging
import secrets
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .addresses import AddressBook
from .clock import utc_now
from .cloud import Cloud
from .environment import command_environment
from .faults import FaultBook
from .latency import Latency
from .machines.hall import MachineHall
from .mlflow import MlflowPages
from .ports import listening_socket
from .rules import World
from .settings import Settings
from .store import Store
from .supervisor import NOT_FOUND, Supervisor

if TYPE_CHECKING:
    from .http_server import HttpServer

logger = logging.getLogger(__name__)


async def run(settings: Settings, command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Serves until `command` has ended, or until somebody interrupts; returns the exit code.

    Raises StoreInUse, NoPort and FaultError.
    """
    store = Store(settings.data_dir)
    try:
        listener = listening_socket(store, settings.listen, settings.port)
        return await _run(settings, store, listener, command, environ)
    finally:
        store.close()


async def _run(
    settings: Settings, store: Store, listener: socket.socket, command: Sequence[str], environ: Mapping[str, str]
) -> int:
    url = settings.url or f"http://127.0.0.1:{listener.getsockname()[1]}"
    client = _client(settings, store)
    supervisor = Supervisor()
    supervisor.watch_signals()
    process = None
    if command:
        told = command_environment(environ, settings, url=url, client=client, terraform_rc=_mirror(settings.data_dir))
        # Started before our own heavy imports: what it asks of us meanwhile waits in the listening socket.
        process = await supervisor.start(command, told)
        if process is None:
            return NOT_FOUND
    cloud = _cloud(settings, store)
    hall = MachineHall(cloud, settings, _from_here(listener))
    pages = MlflowPages(cloud, settings)
    await hall.open()
    pages.open()
    server = _http_server(cloud, hall, settings, url, client)
    server.start(listener, on_failure=supervisor.interrupt)
    logger.info("An emulated Google Cloud runs at %s", settings.browser_url or url)
    try:
        if process:
            return await supervisor.run(process)
        await supervisor.interrupted()
        return 0
    finally:
        await server.stop()
        await pages.close()
        await hall.close()
        await cloud.close()


def _from_here(listener: socket.socket) -> tuple[str, int]:
    """Where this computer's own programs reach what listens there."""
    host, port = listener.getsockname()[:2]
    return ("127.0.0.1" if host == "0.0.0.0" else str(host)), int(port)


def _cloud(settings: Settings, store: Store) -> Cloud:
    addresses = AddressBook(store, in_container=bool(settings.ssh_listen))
    faults = FaultBook()
    for wish in settings.faults:
        faults.add(wish)
    cloud = Cloud(World(store, addresses, utc_now, settings.project), faults, Latency(settings.latency))
    cloud.recover()
    return cloud


def _http_server(
    cloud: Cloud, hall: MachineHall, settings: Settings, url: str, client: tuple[str, str]
) -> "HttpServer":
    from .http_server import HttpServer
    from .web import create_app

    browser_url = settings.browser_url or url
    app = create_app(cloud, hall, url=url, browser_url=browser_url, client=client, ssh_port=settings.ssh_port)
    return HttpServer(app)


def _mirror(data_dir: Path) -> Path:
    from .provider.mirror import write_mirror

    return write_mirror(data_dir)


def _client(settings: Settings, store: Store) -> tuple[str, str]:
    """The portal's id and secret at the sign-in endpoint."""
    kept = store.fact("client_secret")
    if kept is None:
        kept = "EMULATED-" + secrets.token_urlsafe(24)
        store.set_fact("client_secret", kept)
    return settings.client_id or "stationmaster.apps.emulated.example", settings.client_secret or kept
