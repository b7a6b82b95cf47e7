"""The page of the IAM admins: who has the admins' role in the Google project, and how that is changed."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.deps import AdminDep, Portal, PortalDep, SessionDep, SharedStackDep
from app.errors import ConflictError, InvalidError, StationmasterError
from app.models import Member, SharedStack
from app.services import runs
from app.services.people import iam_admins
from app.services.shared import shared_settings
from app.views.run_view import spoken, view
from app.web import redirect, render

router = APIRouter(prefix="/admin/iam")
Text = Annotated[str, Form()]


@router.get("")
async def page(
    request: Request, stack: SharedStackDep, portal: PortalDep, session: SessionDep, admin: AdminDep
) -> Response:
    """The list, with what becomes of it, and a form for one more."""
    return await _page(request, stack, portal, session, admin)


async def _page(
    request: Request,
    stack: SharedStack,
    portal: Portal,
    session: AsyncSession,
    admin: Member,
    error: StationmasterError | None = None,
    typed: str = "",
) -> Response:
    pending = await runs.pending(session, stack.id)
    shown = await view(session, pending[0], stack, portal.clock()) if pending else None
    context: dict[str, Any] = {
        "stack": stack,
        "subject_name": spoken(stack),
        "admins": await iam_admins.list_of(session, stack, admin, portal.settings),
        "role": shared_settings.of(stack, portal.settings).iam_admin_role,
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
    portal: PortalDep,
    session: SessionDep,
    admin: AdminDep,
    principal: Text = "",
    confirm_outside: Text = "",
) -> Response:
    """Plan one more; what does not fit is said at the field, with what was typed kept."""
    try:
        run = await iam_admins.add(
            session,
            stack,
            principal,
            admin,
            portal.settings,
            portal.clock(),
            confirm_outside=bool(confirm_outside),
        )
    except (InvalidError, ConflictError) as error:
        return await _page(request, stack, portal, session, admin, error, principal)
    return redirect(f"/runs/{run.id}")


@router.post("/remove")
async def remove(
    request: Request,
    stack: SharedStackDep,
    portal: PortalDep,
    session: SessionDep,
    admin: AdminDep,
    principal: Text = "",
) -> Response:
    """Plan one less; who has to stay does so, with the reason."""
    try:
        run = await iam_admins.remove(session, stack, principal, admin, portal.settings, portal.clock())
    except ConflictError as error:
        return await _page(request, stack, portal, session, admin, error)
    return redirect(f"/runs/{run.id}")
