"""The admins' page of IAM admins: principals with the admin role in the Google project."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response

from app.deps import ContextDep, SharedStackDep
from app.sent_forms import shown_on
from app.services import runs
from app.services.people import iam_admins
from app.services.shared import shared_settings
from app.views.run_view import name_in_sentence, view
from app.web import redirect, render

PAGE = "/admin/iam"
router = APIRouter(prefix=PAGE, dependencies=[shown_on(PAGE)])
Text = Annotated[str, Form()]


@router.get("")
async def page(request: Request, stack: SharedStackDep, ctx: ContextDep) -> Response:
    """The list with pending changes, and a form to add a principal."""
    pending = await runs.pending(ctx.session, stack.id)
    shown = await view(ctx.session, pending[0], stack, ctx.now) if pending else None
    context: dict[str, Any] = {
        "stack": stack,
        "subject_name": name_in_sentence(stack),
        "admins": await iam_admins.list_of(ctx, stack),
        "role": shared_settings.of(stack, ctx.settings).iam_admin_role,
        "view": shown,
        "is_busy": any(run.is_busy for run in pending),
    }
    return render(request, "iam_admins/list.html", context, fragment="iam_admins/_show.html")


@router.post("")
async def add(stack: SharedStackDep, ctx: ContextDep, principal: Text = "", confirm_outside: Text = "") -> Response:
    """Plan the addition of a principal."""
    run = await iam_admins.add(ctx, stack, principal, confirm_outside=bool(confirm_outside))
    return redirect(f"/runs/{run.id}")


@router.post("/remove")
async def remove(stack: SharedStackDep, ctx: ContextDep, principal: Text = "") -> Response:
    """Plan the removal of a principal."""
    run = await iam_admins.remove(ctx, stack, principal)
    return redirect(f"/runs/{run.id}")
