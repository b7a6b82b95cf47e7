"""The page of the portal's members and their roles, for admins."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from app.deps import AdminDep, IdPath, PortalDep, SessionDep
from app.errors import ConflictError
from app.models import Member, Role
from app.services.people import members
from app.web import redirect, render

router = APIRouter(prefix="/admin/members")


@router.get("")
async def page(request: Request, portal: PortalDep, session: SessionDep, admin: AdminDep) -> Response:
    """Everybody who has signed in, admins first."""
    return await _page(request, portal, session, admin)


async def _page(
    request: Request, portal: PortalDep, session: SessionDep, admin: Member, error: ConflictError | None = None
) -> Response:
    everybody = await members.list_of(session, admin, portal.settings)
    context = {"everybody": everybody, "error": error}
    return render(request, "members/list.html", context, status=error.status if error else 200)


@router.post("/{member_id}/role")
async def change_role(
    request: Request,
    member_id: IdPath,
    portal: PortalDep,
    session: SessionDep,
    admin: AdminDep,
    role: Annotated[Role, Form()],
) -> Response:
    """Make somebody admin, or member again; who has to stay what they are does so, with the reason."""
    member = await members.find(session, member_id)
    try:
        await members.change_role(session, member, role, admin, portal.settings, portal.clock())
    except ConflictError as error:
        return await _page(request, portal, session, admin, error)
    return redirect(f"/admin/members#member-{member.id}")
