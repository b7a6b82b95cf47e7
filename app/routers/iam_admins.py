"""The admins' page of IAM admins: principals with the admin role in the Google project."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response

from app.deps import ContextDep, SharedStackDep
from app.errors import ConflictError, InvalidError, StationmasterError
from app.models import SharedStack
from app.services import runs
from app.services.context import Context
from app.services.people import iam_admins
from app.services.shared import shared_settings
from app.views.run_view import name_in_sentence, view
from app.web import redirect, render

router = APIRouter(prefix="/admin/iam")
Text = Annotated[str, Form()]


@router.get("")
async def page(request: Request, stack: SharedStackDep, ctx: ContextDep) -> Response:
    """The list with pending changes, and a form to add a principal."""
    return await _page(request, stack, ctx)


async def _page(
    request: Request,
    stack: SharedStack,
    ctx: Context,
    error: StationmasterError | None = None,
    typed: str = "",
) -> Response:
    pending = await runs.pending(ctx.session, stack.id)
    shown = await view(ctx.session, pending[0], stack, ctx.now) if pending else None
    context: dict[str, Any] = {
        "stack": stack,
        "subject_name": name_in_sentence(stack),
        "admins": await iam_admins.list_of(ctx, stack),
        "role": shared_settings.of(stack, ctx.settings).iam_admin_role,
        "view": shown,
        "is_busy": any(run.is_busy for run in pending),
        "error": error,
        "errors": error.fields if error else {},
        "typed": typed,
    }
    status = error.status if error else 200
    return render(request, "iam_admins/list.html", context, fragment="iam_admins/_show.html", status=status)


@router.post("")
async def add(
    request: Request,
    stack: SharedStackDep,
    ctx: ContextDep,
    principal: Text = "",
    confirm_outside: Text = "",
) -> Response:
    """Plan the addition of a principal. Errors are shown at the field with what was typed."""
    try:
        run = await iam_admins.add(ctx, stack, principal, confirm_outside=bool(confirm_outside))
    except (InvalidError, ConflictError) as error:
        return await _page(request, stack, ctx, error, principal)
    return redirect(f"/runs/{run.id}")


@router.post("/remove")
async def remove(
    request: Request,
    stack: SharedStackDep,
    ctx: ContextDep,
    principal: Text = "",
) -> Response:
    """Plan the removal of a principal. If that is not possible, the page says why."""
    try:
        run = await iam_admins.remove(ctx, stack, principal)
    except ConflictError as error:
        return await _page(request, stack, ctx, error)
    return redirect(f"/runs/{run.id}")
