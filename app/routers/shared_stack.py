"""The admin's page of the shared stack: its settings, what is planned and was done, drift, and the way back."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from app.deps import AdminDep, IdPath, Portal, PortalDep, SessionDep, SharedStackDep
from app.errors import ConflictError, InvalidError, StationmasterError
from app.live import stack_topic
from app.models import SharedStack
from app.routers import shared_stack_form, streams
from app.services import runs
from app.services.shared import shared_settings, shared_stack
from app.views.run_view import spoken, view
from app.web import redirect, render

router = APIRouter(prefix="/admin/shared-stack")
PAGE = router.prefix


@router.get("")
async def show(request: Request, stack: SharedStackDep, portal: PortalDep, session: SessionDep) -> Response:
    """How it stands, with its settings as a form."""
    return await _page(request, stack, portal, session)


async def _page(
    request: Request,
    stack: SharedStack,
    portal: Portal,
    session: AsyncSession,
    typed: shared_stack_form.Typed | None = None,
    error: StationmasterError | None = None,
) -> Response:
    newest = await runs.of_stack(session, stack.id)
    current = next((run for run in newest if run.is_executing), newest[0] if newest else None)
    shown = await view(session, current, stack, portal.clock()) if current else None
    if typed is None:
        typed = shared_stack_form.typed_of(await _chosen(session, stack, portal))
    context: dict[str, Any] = {
        "stack": stack,
        "subject_name": spoken(stack),
        "runs": newest,
        "history": await shared_stack.history(session, stack),
        "view": shown,
        "is_busy": bool(shown and shown.run.is_busy),
        **shared_stack_form.context(typed, portal.catalog, error),
    }
    status = error.status if error else 200
    return render(request, "shared_stack/show.html", context, fragment="shared_stack/_state.html", status=status)


async def _chosen(session: AsyncSession, stack: SharedStack, portal: Portal) -> shared_settings.SharedSettings:
    """What it is to be; while it is being destroyed, what it was."""
    try:
        return (await shared_stack.desired(session, stack, portal.settings)).settings
    except ConflictError:
        return shared_settings.of(stack, portal.settings)


@router.post("")
async def configure(
    request: Request, stack: SharedStackDep, portal: PortalDep, session: SessionDep, admin: AdminDep
) -> Response:
    """Plan other settings; what does not fit is said at its field, with what was typed kept."""
    typed = await shared_stack_form.typed_into(request)
    try:
        run = await shared_stack.configure(
            session,
            stack,
            shared_stack_form.settings_of(typed),
            admin,
            portal.catalog,
            portal.settings,
            portal.clock(),
            str(typed["reason"])[:200],
        )
    except (InvalidError, ConflictError) as error:
        return await _page(request, stack, portal, session, typed, error)
    return redirect(f"/runs/{run.id}")


@router.get("/events")
async def events(stack: SharedStackDep, portal: PortalDep) -> StreamingResponse:
    """A signal whenever it changed."""
    return streams.event_stream(streams.changes(portal, stack_topic(stack.id)))


@router.post("/check")
async def check(stack: SharedStackDep, portal: PortalDep, session: SessionDep, admin: AdminDep) -> Response:
    """Compare with what Google has."""
    run = await shared_stack.check(session, stack, admin, portal.clock())
    return redirect(f"/runs/{run.id}")


@router.post("/roll-back")
async def roll_back(
    stack: SharedStackDep,
    portal: PortalDep,
    session: SessionDep,
    admin: AdminDep,
    run_id: Annotated[IdPath, Form()],
) -> Response:
    """Plan the settings of an earlier run."""
    earlier = await runs.find(session, admin, run_id)
    run = await shared_stack.roll_back(session, stack, earlier, admin, portal.settings, portal.clock())
    return redirect(f"/runs/{run.id}")


@router.get("/destroy")
async def destroy_page(request: Request, stack: SharedStackDep) -> Response:
    """What is lost."""
    return render(request, "shared_stack/destroy.html", {"stack": stack})


@router.post("/destroy")
async def destroy(stack: SharedStackDep, portal: PortalDep, session: SessionDep, admin: AdminDep) -> Response:
    """Plan the destruction of all of it; the plan waits for a decision."""
    run = await shared_stack.request_destroy(session, stack, admin, portal.clock())
    return redirect(f"/runs/{run.id}")
