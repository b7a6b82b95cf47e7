"""The admins' list of members, and the limits of the team."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response

from app.deps import AdminDep, ContextDep
from app.errors import InvalidError
from app.routers.paging import AfterId
from app.services.audit import Words
from app.services.context import Context
from app.services.people import limits, listing
from app.web import redirect, render

router = APIRouter(prefix="/admin/members")
PAGE = router.prefix
Limit = Annotated[str, Form()]


@router.get("")
async def page(
    request: Request, ctx: ContextDep, _: AdminDep, q: Annotated[Words, Query()] = "", after: AfterId = ""
) -> Response:
    """Members whose name or address contains `q`, admins first."""
    return await _page(request, ctx, q, after)


async def _page(
    request: Request,
    ctx: Context,
    search: str = "",
    after: str = "",
    error: InvalidError | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    """With an error, what was typed as limits of the team."""
    context = {
        "page": await listing.page(ctx, search=search, after=after),
        "search": search,
        "after": after,
        "defaults": limits.of_settings(ctx),
        "chosen_for_team": await limits.chosen_for_team(ctx),
        "highest": limits.HIGHEST,
        "problems": error.fields if error else {},
        "typed": typed or {},
    }
    return render(request, "members/list.html", context, status=error.status if error else 200)


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
        return await _page(request, ctx, error=error, typed=typed)
    return redirect(f"{PAGE}#limits")
