"""The machine manager by itself: no change is missed, whenever it comes."""

import asyncio
from pathlib import Path

import pytest

from emulator.cloud.cloud import Cloud
from emulator.cloud.faults import FaultInjector
from emulator.cloud.latency import Latency
from emulator.core.addresses import AddressBook
from emulator.core.clock import utc_now
from emulator.core.ids import INSTANCE
from emulator.core.settings import Settings, read_settings
from emulator.core.store import CloudResource, Store
from emulator.machines.manager import MachineManager
from emulator.rules.base import Context

pytestmark = pytest.mark.anyio


class WatchedStore(Store):
    """Counts its reads."""

    reads = 0

    def get(self, type_: str, id_: str) -> CloudResource | None:
        self.reads += 1
        return super().get(type_, id_)


async def test_a_change_just_after_the_last_check_is_noticed(tmp_path: Path) -> None:
    settings = read_settings({"EMULATOR_DATA_DIR": str(tmp_path)})
    store = WatchedStore(tmp_path)
    manager = MachineManager(_cloud(settings, store), settings, ("127.0.0.1", 1))
    machine = CloudResource(INSTANCE, "projects/p/zones/z/instances/off", {}, cloud={"status": "TERMINATED"})
    await manager.open()
    store.put(machine)
    manager.changed(machine)
    # The event loop runs the check, then this, and only then the callback for the end of the check.
    asyncio.get_running_loop().call_soon(manager.changed, machine)
    before = store.reads
    async with asyncio.timeout(10):
        await asyncio.sleep(0)
        first = store.reads
        assert first > before
        while store.reads == first:
            await asyncio.sleep(0.01)
    await manager.close()
    store.close()


def _cloud(settings: Settings, store: Store) -> Cloud:
    context = Context(store, AddressBook(store, in_container=False), utc_now, settings.project)
    return Cloud(context, FaultInjector(), Latency(0))
