"""The admins' page of the shared stack: settings, runs, drift, rollback and deletion."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import StreamingResponse

from app.deps import ContextDep, IdPath, PortalDep, SharedStackDep
from app.errors import ConflictError
from app.live import stack_topic
from app.models import SharedStack
from app.routers import shared_stack_form, streams
from app.sent_forms import SentFormDep, shown_on
from app.services import runs
from app.services.context import Context
from app.services.shared import costs, shared_settings, shared_stack
from app.views.run_view import name_in_sentence, view
from app.web import redirect, render

PAGE = "/admin/shared-stack"
router = APIRouter(prefix=PAGE, dependencies=[shown_on(PAGE)])


@router.get("")
async def show(request: Request, stack: SharedStackDep, ctx: ContextDep, sent: SentFormDep) -> Response:
    """The shared stack's state, and its settings as a form."""
    newest = await runs.of_stack(ctx.session, stack.id)
    current = runs.told_of(newest, has_failed=False)
    shown = await view(ctx.session, current, stack, ctx.now) if current else None
    # A refusal of one of the page's buttons comes without settings.
    is_form = bool(sent.get("zone"))
    chosen = await _chosen(ctx, stack)
    typed = shared_stack_form.typed_again(sent) if is_form else shared_stack_form.typed_of(chosen)
    context: dict[str, Any] = {
        "stack": stack,
        "subject_name": name_in_sentence(stack),
        "runs": newest,
        "history": await shared_stack.history(ctx.session, stack),
        "view": shown,
        # Of a form that was refused, the settings may make no sense.
        "costs": None if is_form else costs.of(chosen.model_dump(), ctx.catalog),
        "is_busy": bool(shown and shown.run.is_busy),
        **shared_stack_form.context(typed, ctx.catalog, sent.errors),
    }
    return render(request, "shared_stack/show.html", context, fragment="shared_stack/_state.html")


async def _chosen(ctx: Context, stack: SharedStack) -> shared_settings.SharedSettings:
    """The desired state or, while it is being deleted, the state applied last."""
    try:
        return (await shared_stack.desired(ctx, stack)).settings
    except ConflictError:
        return shared_settings.of(stack, ctx.settings)


@router.post("")
async def configure(request: Request, stack: SharedStackDep, ctx: ContextDep) -> Response:
    """Plan new settings."""
    typed = await shared_stack_form.typed_into(request)
    chosen = shared_stack_form.settings_of(typed)
    run = await shared_stack.configure(ctx, stack, chosen, str(typed["reason"]))
    return redirect(f"/runs/{run.id}")


@router.get("/events")
async def events(request: Request, stack: SharedStackDep, portal: PortalDep) -> StreamingResponse:
    """A signal whenever it changes."""
    return streams.event_stream(streams.changes(request, portal, stack_topic(stack.id)))


@router.post("/check")
async def check(stack: SharedStackDep, ctx: ContextDep) -> Response:
    """Check for drift."""
    run = await shared_stack.check(ctx, stack)
    return redirect(f"/runs/{run.id}")


@router.post("/roll-back")
async def roll_back(stack: SharedStackDep, ctx: ContextDep, run_id: Annotated[IdPath, Form()]) -> Response:
    """Plan a rollback to the settings of an earlier run."""
    earlier = await runs.find(ctx.session, ctx.member, run_id)
    run = await shared_stack.roll_back(ctx, stack, earlier)
    return redirect(f"/runs/{run.id}")


@router.get("/destroy")
async def destroy_page(request: Request, stack: SharedStackDep) -> Response:
    """The confirmation, which lists what is deleted."""
    return render(request, "shared_stack/destroy.html", {"stack": stack})


@router.post("/destroy")
async def destroy(stack: SharedStackDep, ctx: ContextDep) -> Response:
    """Plan its deletion."""
    run = await shared_stack.request_destroy(ctx, stack)
    return redirect(f"/runs/{run.id}")
