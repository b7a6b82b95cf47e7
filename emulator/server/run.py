"""The running emulator: HTTP server, machines and COMMAND in one event loop."""

import asyncio
import logging
import secrets
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from emulator.cloud.cloud import Cloud
from emulator.cloud.faults import FaultInjector
from emulator.cloud.latency import Latency
from emulator.core.addresses import AddressBook
from emulator.core.clock import utc_now
from emulator.core.settings import Settings
from emulator.core.store import Store
from emulator.machines.manager import MachineManager
from emulator.mlflow.servers import MlflowPages
from emulator.rules.base import Context
from emulator.server.environment import command_environment
from emulator.server.supervisor import NOT_FOUND, CommandSupervisor
from emulator.web.ports import listening_socket

if TYPE_CHECKING:
    from emulator.web.http_server import HttpServer

TIME_LIMIT_SECONDS = 5.0
"""How often it is looked for machines whose time is over. Google stops them within 30 seconds."""
logger = logging.getLogger(__name__)


async def run(settings: Settings, command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Serves until `command` has ended, or until a signal; returns the exit code.

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
    supervisor = CommandSupervisor()
    supervisor.watch_signals()
    process = None
    if command:
        environ = command_environment(
            environ, settings, url=url, client=client, terraform_rc=_mirror(settings.data_dir)
        )
        # Started before our own heavy imports: what it asks of us meanwhile waits in the listening socket.
        process = await supervisor.start(command, environ)
        if process is None:
            return NOT_FOUND
    cloud = _cloud(settings, store)
    manager = MachineManager(cloud, settings, _from_here(listener))
    pages = MlflowPages(cloud, settings)
    await manager.open()
    pages.open()
    server = _http_server(cloud, manager, settings, url, client)
    server.start(listener, on_failure=supervisor.interrupt)
    logger.info("An emulated Google Cloud runs at %s", settings.browser_url or url)
    limits = asyncio.create_task(_keep_time_limits(cloud), name="time limits")
    try:
        if process:
            return await supervisor.run(process)
        await supervisor.interrupted()
        return 0
    finally:
        limits.cancel()
        await server.stop()
        await pages.close()
        await manager.close()
        await cloud.close()


async def _keep_time_limits(cloud: Cloud) -> None:
    """Stop machines whose time is over."""
    while True:
        await asyncio.sleep(TIME_LIMIT_SECONDS)
        await cloud.stop_overdue()


def _from_here(listener: socket.socket) -> tuple[str, int]:
    """Where this computer's own programs reach what listens there."""
    host, port = listener.getsockname()[:2]
    return ("127.0.0.1" if host == "0.0.0.0" else str(host)), int(port)


def _cloud(settings: Settings, store: Store) -> Cloud:
    addresses = AddressBook(store, in_container=bool(settings.ssh_listen))
    faults = FaultInjector()
    for values in settings.faults:
        faults.add(values)
    cloud = Cloud(Context(store, addresses, utc_now, settings.project), faults, Latency(settings.latency))
    cloud.recover()
    return cloud


def _http_server(
    cloud: Cloud, manager: MachineManager, settings: Settings, url: str, client: tuple[str, str]
) -> "HttpServer":
    from emulator.server.app import create_app
    from emulator.web.http_server import HttpServer

    return HttpServer(create_app(cloud, manager, settings, url, client))


def _mirror(data_dir: Path) -> Path:
    from emulator.provider.mirror import write_mirror

    return write_mirror(data_dir)


def _client(settings: Settings, store: Store) -> tuple[str, str]:
    """The portal's id and secret at the sign-in endpoint."""
    kept = store.fact("client_secret")
    if kept is None:
        kept = "EMULATED-" + secrets.token_urlsafe(24)
        store.set_fact("client_secret", kept)
    return settings.client_id or "stationmaster.apps.emulated.example", settings.client_secret or kept
