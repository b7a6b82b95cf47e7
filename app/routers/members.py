"""The admins' page of members and their roles."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from app.deps import AdminDep, ContextDep, IdPath
from app.errors import ConflictError, InvalidError, StationmasterError
from app.models import Role
from app.services.context import Context
from app.services.people import limits, members
from app.web import redirect, render

router = APIRouter(prefix="/admin/members")
PAGE = router.prefix
Limit = Annotated[str, Form()]
Typed = dict[str, str]


@router.get("")
async def page(request: Request, ctx: ContextDep, _: AdminDep) -> Response:
    """All members, admins first."""
    return await _page(request, ctx)


async def _page(
    request: Request, ctx: Context, error: StationmasterError | None = None, of: str = "", typed: Typed | None = None
) -> Response:
    """The page. After an error, with the values typed `of` a member (by ID) or of the team."""
    context = {
        "entries": await members.list_of(ctx),
        "defaults": limits.of_settings(ctx),
        "team": await limits.of_team(ctx),
        "chosen_for_team": await limits.chosen_for_team(ctx),
        "highest": limits.HIGHEST,
        "error": error,
        "error_of": of,
        "typed": typed or {},
    }
    return render(request, "members/list.html", context, status=error.status if error else 200)


@router.post("/{member_id}/role")
async def change_role(
    request: Request, member_id: IdPath, ctx: ContextDep, _: AdminDep, role: Annotated[Role, Form()]
) -> Response:
    """Change a member's role. If that is not possible, the page says why."""
    member = await members.find(ctx.session, member_id)
    try:
        await members.change_role(ctx, member, role)
    except ConflictError as error:
        return await _page(request, ctx, error)
    return redirect(f"{PAGE}#member-{member.id}")


@router.post("/limits")
async def change_team_limits(
    request: Request,
    ctx: ContextDep,
    _: AdminDep,
    workstation_limit: Limit = "",
    gpu_workstation_limit: Limit = "",
) -> Response:
    """Set the limits for members who have none of their own."""
    try:
        await limits.change_team(ctx, limits.parse(workstation_limit, gpu_workstation_limit))
    except InvalidError as error:
        typed = {"workstation_limit": workstation_limit, "gpu_workstation_limit": gpu_workstation_limit}
        return await _page(request, ctx, error, "team", typed)
    return redirect(f"{PAGE}#limits")


@router.post("/{member_id}/limits")
async def change_limits(
    request: Request,
    member_id: IdPath,
    ctx: ContextDep,
    _: AdminDep,
    workstation_limit: Limit = "",
    gpu_workstation_limit: Limit = "",
) -> Response:
    """Set a member's own limits."""
    member = await members.find(ctx.session, member_id)
    try:
        await limits.change(ctx, member, limits.parse(workstation_limit, gpu_workstation_limit))
    except InvalidError as error:
        typed = {"workstation_limit": workstation_limit, "gpu_workstation_limit": gpu_workstation_limit}
        return await _page(request, ctx, error, member.id, typed)
    return redirect(f"{PAGE}#member-{member.id}")
