"""Takes snapshots of data disks for runs, and deletes those that are to be deleted."""

from datetime import timedelta
from uuid import NAMESPACE_URL, uuid5

import structlog
from google.api_core.exceptions import Conflict, NotFound
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app import queue
from app.infra import hints
from app.infra.machines import OperationFailedError
from app.infra.ownership import OWNER_LABEL, STACK_LABEL
from app.infra.snapshots import DiskPlace, StoredSnapshot
from app.models import LogLevel, Snapshot, SnapshotReason, Workstation
from app.models.base import short_id
from app.services.terraform import state_resources, state_versions
from app.services.workstations import disk_sources, snapshots
from app.worker.claim import Claim, Tools
from app.worker.commands import Commands
from app.worker.errors import (
    GOOGLE_ERRORS,
    CanceledError,
    NoDiskError,
    RunFailedError,
    TooSoonError,
    TransientError,
    is_transient,
)
from app.worker.retry import retry

log = structlog.get_logger()
LOOK_AGAIN_SECONDS = 1.0
NEEDED = frozenset({SnapshotReason.CHANGE, SnapshotReason.DELETED})
"""Files could be lost without these, so a run waits until Google takes one again. Others can be done without."""


class SnapshotTaker:
    """Takes the one snapshot of a run. However often it is asked to, the same one results."""

    def __init__(self, claim: Claim, commands: Commands, stack_id: str) -> None:
        self._claim, self._commands, self._stack_id = claim, commands, stack_id
        self._snapshots = claim.tools.compute.snapshots

    async def take(self, reason: SnapshotReason, rest_days: int = 0) -> Snapshot:
        """The snapshot, once Google has it and it is recorded. Raises RunFailedError, and NoDiskError without a disk.

        Google takes six of a disk an hour. One that is needed is waited for.

        :param rest_days: after how many days it is deleted; 0: not by itself.
        """
        async with self._claim.tools.database.sessions() as session:
            workstation = await session.get_one(Workstation, self._stack_id)
            state = await state_versions.newest(session, self._claim.tools.vault, self._stack_id)
            name = disk_sources.name_of(workstation, self._claim.run_id)
            if taken := await session.scalar(select(Snapshot).where(Snapshot.name == name)):
                return taken
        found = state_resources.data_disk(state) if state else None
        if found is None:
            raise NoDiskError("There is no data disk to take a snapshot of.")
        disk = DiskPlace(*found)
        labels = {STACK_LABEL: workstation.id, OWNER_LABEL: workstation.owner_label}
        await self._claim.log(f"Taking a snapshot of the data disk {disk.name}.")
        try:
            stored = await retry(
                self._claim, self._commands, lambda: self._try(disk, name, labels, is_needed=reason in NEEDED)
            )
        except CanceledError:
            size_gb = workstation.disk_size_gb
            begun = StoredSnapshot(name, False, self._claim.tools.clock(), size_gb, None, labels)
            await self._give_up(begun, disk, reason)
            raise
        taken = await self._record(stored, disk, reason, rest_days)
        await self._claim.log(f"Snapshot {name} was taken.")
        return taken

    async def _give_up(self, begun: StoredSnapshot, disk: DiskPlace, reason: SnapshotReason) -> None:
        # Google may go on copying, and would bill what nobody knows of.
        snapshot = await self._record(begun, disk, reason, 0)
        async with self._claim.writing() as (session, _):
            (await session.get_one(Snapshot, snapshot.id)).delete_requested_at = self._claim.tools.clock()
            await queue.enqueue_snapshot_deletions(session)

    async def _try(self, disk: DiskPlace, name: str, labels: dict[str, str], *, is_needed: bool) -> StoredSnapshot:
        # The same ID for all attempts of a run: Google carries it out once.
        request_id = str(uuid5(NAMESPACE_URL, f"stationmaster:run:{self._claim.run_id}:snapshot"))
        try:
            while not (stored := await self._stored(disk, name, labels, request_id)):
                await self._commands.pause(LOOK_AGAIN_SECONDS)
        except OperationFailedError as error:
            raise RunFailedError(str(error)) from error
        except GOOGLE_ERRORS as error:
            # A transient error is shown as the reason for the retry.
            await self._claim.log(str(error), LogLevel.ERROR)
            if is_needed and hints.is_snapshot_rate(str(error)):
                raise TooSoonError(str(error)) from error
            raise (TransientError if is_transient(error) else RunFailedError)(str(error)) from error
        return stored

    async def _stored(
        self, disk: DiskPlace, name: str, labels: dict[str, str], request_id: str
    ) -> StoredSnapshot | None:
        # Others may run Terraform while Google copies.
        self._claim.slot.release()
        try:
            is_done = await self._snapshots.take(disk, name, labels, request_id)
        except Conflict:
            # An earlier attempt had it taken, so long ago that Google has forgotten the request.
            is_done = True
        except NotFound as error:
            # Google may as well have meant something else, and what is deleted without a snapshot is lost.
            if await self._exists(disk):
                raise
            raise NoDiskError(f"There is no data disk {disk.name} at Google to take a snapshot of.") from error
        stored = await self._snapshots.read(name) if is_done else None
        if stored and stored.labels.get(STACK_LABEL) != self._stack_id:
            raise RunFailedError(f"A snapshot named {name} exists at Google, and belongs to something else.")
        return stored if stored and stored.is_ready else None

    async def _exists(self, disk: DiskPlace) -> bool:
        project = self._claim.tools.settings.google_project
        id_ = f"projects/{project}/zones/{disk.zone}/disks/{disk.name}"
        return await self._claim.tools.compute.labels_of(id_) is not None

    async def _record(
        self, stored: StoredSnapshot, disk: DiskPlace, reason: SnapshotReason, rest_days: int
    ) -> Snapshot:
        # By the portal's clock, which it is compared with.
        expires_at = self._claim.tools.clock() + timedelta(days=rest_days) if rest_days else None
        async with self._claim.writing() as (session, run):
            row = {
                "id": short_id(10),
                "workstation_id": self._stack_id,
                "run_id": run.id,
                "name": stored.name,
                "reason": reason,
                "zone": disk.zone,
                "disk_size_gb": stored.disk_size_gb,
                "storage_bytes": stored.storage_bytes,
                "taken_at": stored.taken_at,
                "expires_at": expires_at,
            }
            await session.execute(insert(Snapshot).values(row).on_conflict_do_nothing(index_elements=["name"]))
            [taken] = await session.scalars(select(Snapshot).where(Snapshot.name == stored.name))
        return taken


async def delete(tools: Tools) -> None:
    """Delete the snapshots that are to be deleted. What fails is tried again the next time."""
    async with tools.database.sessions() as session:
        query = select(Snapshot).where(Snapshot.delete_requested_at.is_not(None))
        doomed = list(await session.scalars(query.order_by(Snapshot.delete_requested_at)))
    for snapshot in doomed:
        try:
            await tools.compute.snapshots.delete(snapshot.name)
        except (OperationFailedError, *GOOGLE_ERRORS) as error:
            log.warning("snapshot could not be deleted, will try again", snapshot=snapshot.name, error=str(error))
            continue
        async with tools.database.sessions.begin() as session:
            await snapshots.forget(session, snapshot.id)
        log.info("snapshot deleted", snapshot=snapshot.name)


async def measure(tools: Tools) -> None:
    """Ask Google for the sizes that it had not measured yet when the snapshots were taken."""
    async with tools.database.sessions() as session:
        query = select(Snapshot).where(Snapshot.storage_bytes.is_(None), Snapshot.delete_requested_at.is_(None))
        unmeasured = list(await session.scalars(query))
    for snapshot in unmeasured:
        try:
            stored = await tools.compute.snapshots.read(snapshot.name)
        except GOOGLE_ERRORS as error:
            log.warning("snapshot could not be measured, will try again", snapshot=snapshot.name, error=str(error))
            return
        async with tools.database.sessions.begin() as session:
            # Somebody has deleted it at Google.
            if stored is None:
                await snapshots.forget(session, snapshot.id)
            elif stored.storage_bytes is not None:
                await snapshots.record_size(session, snapshot.id, stored.storage_bytes)
