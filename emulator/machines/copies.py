"""Disks that are made from another one, and snapshots: their files are copied when they are made."""

import asyncio
from pathlib import Path

from ..ids import DISK, disk_id, zone_id
from ..store import CloudObject, Store
from .folders import copy_data_disk
from .spec import disk_folder

SNAPSHOT = "google_compute_snapshot"


class Copies:
    """Each copy takes as long as there are files; whoever wants the disk waits for it."""

    def __init__(self, store: Store, disks: Path) -> None:
        self._store, self._disks = store, disks
        self._copying: dict[int, asyncio.Task[None]] = {}

    def begin(self, thing: CloudObject) -> None:
        """If this disk or snapshot is made from something, and has no files yet."""
        source = self._source(thing)
        if source is None or thing.number in self._copying:
            return
        paths = disk_folder(self._disks, source.number), disk_folder(self._disks, thing.number)
        task = asyncio.create_task(asyncio.to_thread(copy_data_disk, *paths))
        self._copying[thing.number] = task
        task.add_done_callback(lambda _: self._copying.pop(thing.number))

    async def done(self, number: int) -> None:
        """Returns once the disk of that number is not being copied. Raises OSError where its copy failed."""
        if task := self._copying.get(number):
            await asyncio.shield(task)

    def _source(self, thing: CloudObject) -> CloudObject | None:
        state = thing.state
        if state.get("snapshot"):
            name = str(state["snapshot"]).rpartition("/")[2]
            return next((each for each in self._store.all(SNAPSHOT) if each.id.rpartition("/")[2] == name), None)
        if source := state.get("source_disk"):
            zone = str(state.get("zone") or "")
            place = zone_id(thing.id) if thing.type == DISK else f"{thing.id.partition('/global/')[0]}/zones/{zone}"
            return self._store.get(DISK, disk_id(str(source), place))
        return None
