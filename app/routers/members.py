"""The admins' list of members, the limits of the team, and whether it requires security keys."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response

from app.deps import AdminDep, ContextDep, SignInDep
from app.errors import ConflictError, InvalidError, StationmasterError
from app.infra.relying_party import unavailable_because
from app.routers.paging import AfterId
from app.services.audit import Words
from app.services.context import Context
from app.services.people import fresh_sign_ins, limits, listing, security_keys
from app.web import redirect, redirect_to_sign_in, render

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
    error: StationmasterError | None = None,
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
        "keys_are_required": await fresh_sign_ins.is_required(ctx),
        "keys_unavailable_because": unavailable_because(ctx.settings),
        "has_key": bool(await security_keys.usable(ctx, ctx.member)),
        "owners_of_keys": await security_keys.owners(ctx),
        "error": error,
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


@router.post("/security-keys")
async def require_security_keys(
    request: Request, ctx: ContextDep, _: AdminDep, sign_in: SignInDep, required: Annotated[bool, Form()]
) -> Response:
    """Require security keys of everybody, or stop requiring them. Requires a fresh sign-in."""
    if not await fresh_sign_ins.is_fresh(ctx, sign_in):
        return redirect_to_sign_in(f"{PAGE}#security-keys")
    try:
        await fresh_sign_ins.require(ctx, required=required)
    except ConflictError as error:
        return await _page(request, ctx, error=error)
    return redirect(f"{PAGE}#security-keys")
