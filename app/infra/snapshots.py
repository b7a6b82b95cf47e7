"""Snapshots of disks, through google-cloud-compute."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from app.infra.google_operations import ONCE, WAIT, check
from app.infra.zones import region_of

if TYPE_CHECKING:
    from google.cloud import compute_v1


@dataclass(frozen=True)
class DiskPlace:
    """A disk at Google."""

    zone: str
    name: str


@dataclass(frozen=True)
class StoredSnapshot:
    """A snapshot as Google reports it."""

    name: str
    is_ready: bool
    taken_at: datetime
    disk_size_gb: int
    storage_bytes: int | None
    """None while Google measures it."""
    labels: dict[str, str]
    region: str = ""
    """Where it is stored; empty if Google does not say."""

    @classmethod
    def read(cls, snapshot: "compute_v1.Snapshot") -> Self:
        """Read the API's response."""
        is_measured = snapshot.storage_bytes_status == "UP_TO_DATE"
        return cls(
            name=snapshot.name,
            is_ready=snapshot.status == "READY",
            taken_at=datetime.fromisoformat(snapshot.creation_timestamp),
            disk_size_gb=int(snapshot.disk_size_gb),
            storage_bytes=int(snapshot.storage_bytes) if is_measured else None,
            labels=dict(snapshot.labels),
            region=next(iter(snapshot.storage_locations), ""),
        )


class Snapshots:
    """The project's snapshots. Calls run in threads, and raise what `Compute`'s calls raise."""

    def __init__(self, project: str, options: Mapping[str, Any]) -> None:
        """`options` are those of Google's clients."""
        self._project, self._options = project, options

    async def take(self, disk: DiskPlace, name: str, labels: Mapping[str, str], request_id: str) -> bool:
        """Have a disk's snapshot taken, and wait for some minutes; returns whether it is done.

        Called again with the same `request_id`, a UUID, it waits on. Raises OperationFailedError as well, and Conflict
        (google.api_core) if there is a snapshot of that name.
        """
        return await asyncio.to_thread(self._take, disk, name, labels, request_id)

    async def read(self, name: str) -> StoredSnapshot | None:
        """A snapshot; None if it does not exist."""
        return await asyncio.to_thread(self._read, name)

    async def labelled(self, label: str) -> list[StoredSnapshot]:
        """All snapshots with this label, whatever its value."""
        return await asyncio.to_thread(self._labelled, label)

    async def delete(self, name: str) -> None:
        """Delete a snapshot. It is no error if there is none. Raises OperationFailedError as well."""
        await asyncio.to_thread(self._delete, name)

    def _take(self, disk: DiskPlace, name: str, labels: Mapping[str, str], request_id: str) -> bool:
        from google.cloud import compute_v1

        snapshot = compute_v1.Snapshot(
            name=name,
            source_disk=f"projects/{self._project}/zones/{disk.zone}/disks/{disk.name}",
            labels=dict(labels),
            # Otherwise Google would choose a place that covers several regions, and costs more.
            storage_locations=[region_of(disk.zone)],
        )
        request = {"project": self._project, "snapshot_resource": snapshot, "request_id": request_id}
        return self._is_done(self._client.insert_unary(request=request, **ONCE))

    def _read(self, name: str) -> StoredSnapshot | None:
        from google.api_core.exceptions import NotFound

        try:
            return StoredSnapshot.read(self._client.get(project=self._project, snapshot=name, **ONCE))
        except NotFound:
            return None

    def _labelled(self, label: str) -> list[StoredSnapshot]:
        request = {"project": self._project, "filter": f"labels.{label}:*"}
        return [StoredSnapshot.read(each) for each in self._client.list(request=request, **ONCE)]

    def _delete(self, name: str) -> None:
        from google.api_core.exceptions import NotFound

        try:
            operation = self._client.delete_unary(project=self._project, snapshot=name, **ONCE)
        except NotFound:
            return
        self._is_done(operation)

    def _is_done(self, operation: "compute_v1.Operation") -> bool:
        """Wait for some minutes; returns whether it is done. Raises OperationFailedError."""
        from google.cloud import compute_v1

        request = {"project": self._project, "operation": operation.name}
        if operation.status != compute_v1.Operation.Status.DONE:
            operation = self._operations.wait(request=request, **WAIT)
        check(operation)
        return bool(operation.status == compute_v1.Operation.Status.DONE)

    @cached_property
    def _client(self) -> "compute_v1.SnapshotsClient":
        from google.cloud import compute_v1

        return compute_v1.SnapshotsClient(**self._options)

    @cached_property
    def _operations(self) -> "compute_v1.GlobalOperationsClient":
        from google.cloud import compute_v1

        return compute_v1.GlobalOperationsClient(**self._options)
