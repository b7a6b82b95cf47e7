"""/api/v1/workstations/{id}/snapshots: snapshots of a workstation's data disk."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from app.deps import ContextDep, WorkstationDep
from app.models import SnapshotReason, Workstation
from app.routers.api.shapes import errors
from app.routers.api.workstations import RunStarted
from app.routers.snapshots import SnapshotDep
from app.services.context import Context
from app.services.workstations import daily_snapshots, disk_reverts, opened_snapshots, snapshots
from app.services.workstations.snapshots import PricedSnapshot

router = APIRouter(
    prefix="/api/v1/workstations/{workstation_id}/snapshots",
    tags=["workstations"],
    responses=errors(401, 403, 404, 409, 422),
)


class SnapshotAnswer(BaseModel):
    """A snapshot of a data disk."""

    id: str
    name: str
    """Its name at Google."""
    reason: SnapshotReason
    """Why it was taken."""
    taken_at: datetime
    expires_at: datetime | None
    """When the portal deletes it; null: not by itself."""
    zone: str
    """The zone of the disk."""
    disk_size_gb: int
    storage_bytes: int | None
    """What is stored of it; null while Google measures it."""
    usd_per_month: float | None
    """Estimated price; null if unknown."""
    is_being_deleted: bool
    open_at: str | None
    """The folder on the machine where it is mounted read-only, or is about to be; null: it is not open."""
    open_until: datetime | None
    """When it is closed by itself."""


def _answer(priced: PricedSnapshot, workstation: Workstation) -> SnapshotAnswer:
    snapshot, price = priced.snapshot, priced.usd_a_month
    is_open = workstation.has_opened(snapshot.name)
    return SnapshotAnswer(
        id=snapshot.id,
        name=snapshot.name,
        reason=snapshot.reason,
        taken_at=snapshot.taken_at,
        expires_at=snapshot.expires_at,
        zone=snapshot.zone,
        disk_size_gb=snapshot.disk_size_gb,
        storage_bytes=snapshot.storage_bytes,
        usd_per_month=None if price is None else float(price),
        is_being_deleted=snapshot.is_being_deleted,
        open_at=snapshot.folder if is_open else None,
        open_until=workstation.opened_until if is_open else None,
    )


@router.get("")
async def list_snapshots(workstation: WorkstationDep, ctx: ContextDep) -> list[SnapshotAnswer]:
    """A workstation's snapshots, newest first."""
    return [_answer(priced, workstation) for priced in (await snapshots.list_of(ctx, workstation)).priced]


@router.post("", status_code=202)
async def take_snapshot(workstation: WorkstationDep, ctx: ContextDep) -> RunStarted:
    """Take a snapshot of the data disk as it is now. A second request joins a pending one."""
    return RunStarted(run_id=(await snapshots.request(ctx, workstation)).id)


class DailyChoice(BaseModel):
    """Whether a snapshot is taken every day."""

    model_config = ConfigDict(extra="forbid", strict=True)

    daily: bool | None = Field(description="null for what the team's policy says.")


class DailyAnswer(DailyChoice):
    """What was chosen, and what follows."""

    are_taken: bool
    """Whether a snapshot is taken every day."""


async def _daily(ctx: Context, workstation: Workstation) -> DailyAnswer:
    are_taken = await daily_snapshots.are_taken(ctx, workstation)
    return DailyAnswer(daily=workstation.daily_snapshots, are_taken=are_taken)


@router.get("/daily")
async def read_daily_snapshots(workstation: WorkstationDep, ctx: ContextDep) -> DailyAnswer:
    """Whether a snapshot is taken every day."""
    return await _daily(ctx, workstation)


@router.put("/daily")
async def choose_daily_snapshots(workstation: WorkstationDep, choice: DailyChoice, ctx: ContextDep) -> DailyAnswer:
    """Choose whether a snapshot is taken every day."""
    await daily_snapshots.choose(ctx, workstation, choice.daily)
    return await _daily(ctx, workstation)


@router.delete("/{snapshot_id}", status_code=202)
async def delete_snapshot(workstation: WorkstationDep, snapshot: SnapshotDep, ctx: ContextDep) -> SnapshotAnswer:
    """Delete a snapshot. It is listed until Google has deleted it."""
    await snapshots.delete(ctx, workstation, snapshot)
    return _answer(snapshots.priced(snapshot, ctx.catalog), workstation)


@router.post("/{snapshot_id}/open", status_code=202)
async def open_snapshot(workstation: WorkstationDep, snapshot: SnapshotDep, ctx: ContextDep) -> RunStarted:
    """Mount a snapshot read-only on the running machine, in place of one that is open, for at most 24 hours."""
    return RunStarted(run_id=(await opened_snapshots.request(ctx, workstation, snapshot)).id)


@router.post("/{snapshot_id}/revert", status_code=202)
async def revert_disk(workstation: WorkstationDep, snapshot: SnapshotDep, ctx: ContextDep) -> RunStarted:
    """Replace the data disk by one made from a snapshot. The run waits for an approval; the disk as it is now rests as
    a snapshot."""
    return RunStarted(run_id=(await disk_reverts.request(ctx, workstation, snapshot)).id)


@router.post("/close", status_code=202)
async def close_snapshot(workstation: WorkstationDep, ctx: ContextDep) -> RunStarted:
    """Unmount the snapshot that is open, and delete the disk that was made from it."""
    return RunStarted(run_id=(await opened_snapshots.close(ctx, workstation)).id)
