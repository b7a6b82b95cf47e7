"""The hall of machines, by itself: what changes at any moment is looked at."""

import asyncio
from pathlib import Path

import pytest

from emulator.addresses import AddressBook
from emulator.clock import utc_now
from emulator.cloud import Cloud
from emulator.faults import FaultBook
from emulator.ids import INSTANCE
from emulator.latency import Latency
from emulator.machines.hall import MachineHall
from emulator.rules import World
from emulator.settings import Settings, read_settings
from emulator.store import CloudObject, Store

pytestmark = pytest.mark.anyio


class WatchedStore(Store):
    """Knows how often somebody looked."""

    looks = 0

    def get(self, type_: str, id_: str) -> CloudObject | None:
        self.looks += 1
        return super().get(type_, id_)


async def test_a_change_just_after_the_last_look_is_looked_at(tmp_path: Path) -> None:
    settings = read_settings({"EMULATOR_DATA_DIR": str(tmp_path)})
    store = WatchedStore(tmp_path)
    hall = MachineHall(_cloud(settings, store), settings, ("127.0.0.1", 1))
    machine = CloudObject(INSTANCE, "projects/p/zones/z/instances/off", {}, cloud={"status": "TERMINATED"})
    await hall.open()
    store.put(machine)
    hall.changed(machine)
    # The event loop runs the look, then this, and only then tells the hall that the look has ended.
    asyncio.get_running_loop().call_soon(hall.changed, machine)
    before = store.looks
    async with asyncio.timeout(10):
        await asyncio.sleep(0)
        first = store.looks
        assert first > before
        while store.looks == first:
            await asyncio.sleep(0.01)
    await hall.close()
    store.close()


def _cloud(settings: Settings, store: Store) -> Cloud:
    world = World(store, AddressBook(store, in_container=False), utc_now, settings.project)
    return Cloud(world, FaultBook(), Latency(0))
