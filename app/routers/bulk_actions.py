"""Actions on many workstations: requested by admins from the list, and what has become of each."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import StreamingResponse

from app.deps import AdminDep, ContextDep, IdPath, PortalDep, SessionDep
from app.errors import ConflictError
from app.live import bulk_topic
from app.models import BulkVerb
from app.routers import streams
from app.routers.paging import MOST_ROWS, After
from app.services.audit import Words
from app.services.context import Context
from app.services.workstations import bulk, listing
from app.services.workstations.listing import Wanted
from app.web import redirect, render

router = APIRouter(prefix="/admin/workstations/actions")


@router.post("")
async def act(
    ctx: ContextDep,
    _: AdminDep,
    verb: Annotated[BulkVerb, Form()],
    workstation_id: Annotated[list[IdPath], Form(max_length=bulk.MOST)],
) -> Response:
    """Do the same with each of the selected workstations."""
    action = await bulk.request(ctx, verb, workstation_id)
    return redirect(f"/admin/workstations/actions/{action.id}")


@router.get("/all")
async def confirmation(
    request: Request, ctx: ContextDep, _: AdminDep, verb: BulkVerb, q: Annotated[Words, Query()] = ""
) -> Response:
    """How many workstations match, before something is done with all of them."""
    return await _confirmation(request, ctx, verb, q)


@router.post("/all")
async def act_on_all(
    request: Request,
    ctx: ContextDep,
    _: AdminDep,
    verb: Annotated[BulkVerb, Form()],
    number: Annotated[int, Form(ge=1, le=MOST_ROWS)],
    q: Annotated[Words, Form()] = "",
) -> Response:
    """Do the same with all workstations that match, if they are still as many as were confirmed."""
    try:
        action = await bulk.request_all(ctx, verb, q, number)
    except ConflictError as error:
        return await _confirmation(request, ctx, verb, q, error)
    return redirect(f"/admin/workstations/actions/{action.id}")


async def _confirmation(
    request: Request, ctx: Context, verb: BulkVerb, search: str, error: ConflictError | None = None
) -> Response:
    number = await listing.count_machines(ctx, Wanted(search=search))
    context = {"verb": verb, "search": search, "number": number, "error": error}
    return render(request, "bulk_actions/confirm.html", context, status=error.status if error else 200)


@router.get("/{action_id}")
async def page(
    request: Request,
    session: SessionDep,
    _: AdminDep,
    action_id: IdPath,
    after: After = 0,
    without_success: bool = False,
) -> Response:
    """What has become of each of its workstations."""
    action = await bulk.read(session, action_id)
    context = {
        "action": action,
        "summary": await bulk.summary(session, action_id),
        "page": await bulk.items(session, action_id, after=after, without_success=without_success),
        "after": after,
        "without_success": without_success,
    }
    return render(request, "bulk_actions/show.html", context, fragment="bulk_actions/_show.html")


@router.get("/{action_id}/events")
async def events(request: Request, portal: PortalDep, _: AdminDep, action_id: IdPath) -> StreamingResponse:
    """A signal whenever a run was requested for one of them."""
    async with portal.database.sessions() as session:
        await bulk.read(session, action_id)
    return streams.event_stream(streams.changes(request, portal, bulk_topic(action_id)))
