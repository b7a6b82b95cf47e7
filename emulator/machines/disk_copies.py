"""Copies of disks' files, when a disk is created from another disk or a snapshot, and when a snapshot is created."""

import asyncio
from pathlib import Path

from emulator.core.ids import DISK, SNAPSHOT, disk_id, last, zone_id
from emulator.core.store import CloudResource, Store
from emulator.machines.folders import copy_data_disk, size_of
from emulator.machines.machine_spec import disk_folder


class DiskCopies:
    """Copies files in the background. Whoever needs a disk waits for its copy."""

    def __init__(self, store: Store, disks: Path) -> None:
        self._store, self._disks = store, disks
        self._copying: dict[int, asyncio.Task[None]] = {}

    def begin(self, resource: CloudResource) -> None:
        """Begin to copy, if this disk or snapshot is made from another one and has no files yet."""
        source = self._source(resource)
        if source is None or resource.number in self._copying:
            return
        task = asyncio.create_task(self._copy(source, resource))
        self._copying[resource.number] = task
        task.add_done_callback(lambda _: self._copying.pop(resource.number))

    async def done(self, number: int) -> None:
        """Wait until the disk is copied. Raises OSError if the copy failed."""
        if task := self._copying.get(number):
            await asyncio.shield(task)

    async def _copy(self, source: CloudResource, resource: CloudResource) -> None:
        await self.done(source.number)
        folder = disk_folder(self._disks, resource.number)
        await asyncio.to_thread(copy_data_disk, disk_folder(self._disks, source.number), folder)
        if resource.type != SNAPSHOT:
            return
        size = await asyncio.to_thread(size_of, folder)
        # It may have changed, or been deleted, meanwhile.
        current = self._store.get(SNAPSHOT, resource.id)
        if current and current.number == resource.number and "storage_bytes" not in current.cloud:
            current.cloud["storage_bytes"] = size
            self._store.put(current)

    def _source(self, resource: CloudResource) -> CloudResource | None:
        state = resource.state
        if state.get("snapshot"):
            name = last(str(state["snapshot"]))
            return next((each for each in self._store.all(SNAPSHOT) if last(each.id) == name), None)
        if source := state.get("source_disk"):
            project = resource.id.partition("/global/")[0]
            zone = zone_id(resource.id) if resource.type == DISK else f"{project}/zones/{state.get('zone') or ''}"
            return self._store.get(DISK, disk_id(str(source), zone))
        return None
