"""The page of resources at Google that no stack has: the newest search by a worker, and a button for another one."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from app.deps import AdminDep, PortalDep, SessionDep
from app.live import inspection_topic
from app.routers import streams
from app.services import inspections
from app.services.terraform import orphans
from app.web import redirect, render

PATH = "/admin/workstations/orphans"
router = APIRouter(prefix=PATH)


@router.get("")
async def page(request: Request, session: SessionDep, _: AdminDep) -> Response:
    """The orphans that the last search found."""
    is_requested = await inspections.is_requested(session, orphans.INSPECTION)
    context = {"known": await orphans.read(session), "is_requested": is_requested}
    return render(request, "orphans/show.html", context, fragment="orphans/_show.html")


@router.post("")
async def search(session: SessionDep, _: AdminDep) -> Response:
    """Have a worker search again."""
    await inspections.request(session, orphans.INSPECTION)
    return redirect(PATH)


@router.get("/events")
async def events(request: Request, portal: PortalDep, _: AdminDep) -> StreamingResponse:
    """A signal whenever a search was requested or has ended."""
    return streams.event_stream(streams.changes(request, portal, inspection_topic(orphans.INSPECTION)))
