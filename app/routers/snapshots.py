"""The forms of a workstation's snapshots. The list is on the workstation's page."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Request, Response

from app.deps import ContextDep, IdPath, SessionDep, WorkstationDep
from app.models import Snapshot
from app.notices import Done
from app.sent_forms import shown_on
from app.services.workstations import daily_snapshots, disk_reverts, opened_snapshots, snapshots
from app.web import redirect, render

WORKSTATION = "/workstations/{workstation_id}"
router = APIRouter(prefix=f"{WORKSTATION}/snapshots", dependencies=[shown_on(WORKSTATION)])


async def get_snapshot(snapshot_id: IdPath, workstation: WorkstationDep, session: SessionDep) -> Snapshot:
    """The snapshot in the path. Raises NotFoundError unless it is the workstation's."""
    return await snapshots.find(session, workstation, snapshot_id)


SnapshotDep = Annotated[Snapshot, Depends(get_snapshot)]


@router.post("")
async def take(workstation: WorkstationDep, ctx: ContextDep) -> Response:
    """Queue a snapshot."""
    await snapshots.request(ctx, workstation)
    return redirect(f"/workstations/{workstation.id}")


@router.post("/daily")
async def choose_daily(
    workstation: WorkstationDep, ctx: ContextDep, daily: Annotated[Literal["yes", "no"], Form()]
) -> Response:
    """Turn daily snapshots on or off."""
    await daily_snapshots.choose(ctx, workstation, daily == "yes")
    return redirect(f"/workstations/{workstation.id}", Done.DAILY_SNAPSHOTS_CHOSEN)


@router.post("/close")
async def close(workstation: WorkstationDep, ctx: ContextDep) -> Response:
    """Close the one that is open."""
    await opened_snapshots.close(ctx, workstation)
    return redirect(f"/workstations/{workstation.id}")


@router.post("/{snapshot_id}/open")
async def open_snapshot(workstation: WorkstationDep, snapshot: SnapshotDep, ctx: ContextDep) -> Response:
    """Mount it on the machine."""
    await opened_snapshots.request(ctx, workstation, snapshot)
    return redirect(f"/workstations/{workstation.id}")


@router.post("/{snapshot_id}/revert")
async def revert(workstation: WorkstationDep, snapshot: SnapshotDep, ctx: ContextDep) -> Response:
    """Plan to replace the data disk by one made from it. The run's page asks for the approval."""
    run = await disk_reverts.request(ctx, workstation, snapshot)
    return redirect(f"/runs/{run.id}")


@router.get("/{snapshot_id}/delete")
async def delete_page(
    request: Request, workstation: WorkstationDep, snapshot: SnapshotDep, ctx: ContextDep
) -> Response:
    """The confirmation."""
    context = {"workstation": workstation, "offer": snapshots.priced(snapshot, ctx.catalog)}
    return render(request, "snapshots/delete.html", context)


@router.post("/{snapshot_id}/delete")
async def delete(workstation: WorkstationDep, snapshot: SnapshotDep, ctx: ContextDep) -> Response:
    """Delete it."""
    await snapshots.delete(ctx, workstation, snapshot)
    return redirect(f"/workstations/{workstation.id}", Done.SNAPSHOT_DELETED)
