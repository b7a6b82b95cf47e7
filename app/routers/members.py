"""The page of the portal's members and their roles, for admins."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from app.deps import AdminDep, ContextDep, IdPath
from app.errors import ConflictError
from app.models import Role
from app.services.context import Context
from app.services.people import members
from app.web import redirect, render

router = APIRouter(prefix="/admin/members")


@router.get("")
async def page(request: Request, ctx: ContextDep, _: AdminDep) -> Response:
    """Everybody who has signed in, admins first."""
    return await _page(request, ctx)


async def _page(request: Request, ctx: Context, error: ConflictError | None = None) -> Response:
    everybody = await members.list_of(ctx)
    context = {"everybody": everybody, "error": error}
    return render(request, "members/list.html", context, status=error.status if error else 200)


@router.post("/{member_id}/role")
async def change_role(
    request: Request, member_id: IdPath, ctx: ContextDep, _: AdminDep, role: Annotated[Role, Form()]
) -> Response:
    """Make somebody admin, or member again; who has to stay what they are does so, with the reason."""
    member = await members.find(ctx.session, member_id)
    try:
        await members.change_role(ctx, member, role)
    except ConflictError as error:
        return await _page(request, ctx, error)
    return redirect(f"/admin/members#member-{member.id}")
