"""The page of resources at Google that no stack has: the newest search by a worker, and a button for another one."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import StreamingResponse

from app.deps import AdminDep, ContextDep, PortalDep, SessionDep
from app.live import inspection_topic
from app.notices import Done
from app.routers import streams
from app.services import inspections
from app.services.terraform import orphans
from app.services.workstations import orphan_snapshots
from app.web import redirect, render

PATH = "/admin/workstations/orphans"
SnapshotName = Annotated[str, Path(pattern=r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$")]
router = APIRouter(prefix=PATH)


@router.get("")
async def page(request: Request, portal: PortalDep, session: SessionDep, _: AdminDep) -> Response:
    """The orphans that the last search found."""
    is_requested = await inspections.is_requested(session, orphans.INSPECTION)
    known = await orphans.read(session)
    snapshots = (
        [(each, orphan_snapshots.usd_a_month(each, portal.catalog)) for each in known.snapshots] if known else []
    )
    context = {"known": known, "snapshots": snapshots, "is_requested": is_requested}
    return render(request, "orphans/show.html", context, fragment="orphans/_show.html")


@router.post("")
async def search(session: SessionDep, _: AdminDep) -> Response:
    """Have a worker search again."""
    await inspections.request(session, orphans.INSPECTION)
    return redirect(PATH)


@router.get("/snapshots/{name}/delete")
async def delete_page(request: Request, name: SnapshotName, ctx: ContextDep, _: AdminDep) -> Response:
    """The confirmation."""
    orphan, workstation = await orphan_snapshots.find(ctx, name)
    price = orphan_snapshots.usd_a_month(orphan, ctx.catalog)
    return render(request, "orphans/delete.html", {"orphan": orphan, "workstation": workstation, "price": price})


@router.post("/snapshots/{name}/delete")
async def delete(name: SnapshotName, ctx: ContextDep, _: AdminDep) -> Response:
    """Delete a snapshot that no workstation lists."""
    await orphan_snapshots.delete(ctx, name)
    return redirect(PATH, Done.SNAPSHOT_DELETED)


@router.get("/events")
async def events(request: Request, portal: PortalDep, _: AdminDep) -> StreamingResponse:
    """A signal whenever a search was requested or has ended."""
    return streams.event_stream(streams.changes(request, portal, inspection_topic(orphans.INSPECTION)))
