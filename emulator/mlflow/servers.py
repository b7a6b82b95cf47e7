"""A small page in the place of every MLflow server, behind the emulated firewall."""

import asyncio
import logging
from typing import TYPE_CHECKING

from emulator.cloud.cloud import Cloud
from emulator.core.ids import INSTANCE, last
from emulator.core.settings import Settings
from emulator.core.store import CloudResource
from emulator.rules.firewall import allows
from emulator.web.pages import Pages
from emulator.web.ports import listen_at

if TYPE_CHECKING:
    from emulator.web.http_server import HttpServer

logger = logging.getLogger(__name__)
TAG = "mlflow-server"
PORT = 5000


class MlflowPages:
    """Listens at the address of each running machine that bears the tag.

    Not in a container, where a machine's address is no address of this computer.
    """

    def __init__(self, cloud: Cloud, settings: Settings) -> None:
        self._cloud = cloud
        self._are_reachable = not settings.ssh_listen
        self._servers: dict[tuple[str, str], HttpServer] = {}
        self._changed = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None

    def open(self) -> None:
        if self._are_reachable:
            self._cloud.listeners.append(self.changed)
            self._changed.set()
            self._watching = asyncio.create_task(self._watch())

    async def close(self) -> None:
        if self._watching:
            self._cloud.listeners.remove(self.changed)
            self._watching.cancel()
            await asyncio.wait({self._watching})
        await asyncio.gather(*(server.stop() for server in self._servers.values()))

    def changed(self, resource: CloudResource) -> None:
        if resource.type == INSTANCE:
            self._changed.set()

    async def _watch(self) -> None:
        """One change after the other: an address may go from one machine to the next."""
        while await self._changed.wait():
            self._changed.clear()
            wanted = self._wanted()
            for gone in self._servers.keys() - wanted:
                await self._servers.pop(gone).stop()
            for instance_id, address in wanted - self._servers.keys():
                self._start(instance_id, address)

    def _wanted(self) -> set[tuple[str, str]]:
        running = [
            resource for resource in self._cloud.store.all(INSTANCE) if resource.cloud.get("status") == "RUNNING"
        ]
        return {
            (resource.id, str(resource.cloud["nat_ip"]))
            for resource in running
            if resource.cloud.get("nat_ip") and TAG in (resource.state.get("tags") or [])
        }

    def _start(self, instance_id: str, address: str) -> None:
        # Imported late: an emulator without an MLflow server should not wait for it.
        from emulator.mlflow.page import create_page_app, firewalled
        from emulator.web.http_server import HttpServer

        try:
            listener = listen_at(address, PORT)
        except OSError as error:
            logger.warning("%s cannot be reached at %s:%d: %s", instance_id, address, PORT, error.strerror)
            return
        server = HttpServer(
            create_page_app(Pages(), last(instance_id), address, PORT),
            firewalled(lambda client: self._allows(instance_id, client)),
        )
        self._servers[instance_id, address] = server
        server.start(listener, on_failure=lambda: None)

    def _allows(self, instance_id: str, client: str) -> bool:
        instance = self._cloud.store.get(INSTANCE, instance_id)
        return instance is not None and allows(self._cloud.store, instance, client, PORT)
