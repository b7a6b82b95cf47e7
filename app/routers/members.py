"""The admins' list of members, the limits of the team, and whether it requires security keys."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response

from app.deps import AdminDep, ContextDep, SignInDep
from app.infra.relying_party import unavailable_because
from app.notices import Done
from app.routers.paging import AfterId
from app.sent_forms import shown_on
from app.services.audit import Words
from app.services.people import fresh_sign_ins, limits, listing, security_keys
from app.web import redirect, redirect_to_sign_in, render

PAGE = "/admin/members"
router = APIRouter(prefix=PAGE, dependencies=[shown_on(PAGE)])
Limit = Annotated[str, Form()]


@router.get("")
async def page(
    request: Request, ctx: ContextDep, _: AdminDep, q: Annotated[Words, Query()] = "", after: AfterId = ""
) -> Response:
    """Members whose name or address contains `q`, admins first."""
    context = {
        "page": await listing.page(ctx, search=q, after=after),
        "search": q,
        "after": after,
        "defaults": limits.of_settings(ctx),
        "chosen_for_team": await limits.chosen_for_team(ctx),
        "highest": limits.HIGHEST,
        "keys_are_required": await fresh_sign_ins.is_required(ctx),
        "keys_unavailable_because": unavailable_because(ctx.settings),
        "has_key": bool(await security_keys.usable(ctx, ctx.member)),
        "owners_of_keys": await security_keys.owners(ctx),
    }
    return render(request, "members/list.html", context)


@router.post("/limits")
async def change_team_limits(
    ctx: ContextDep,
    _: AdminDep,
    workstation_limit: Limit = "",
    gpu_workstation_limit: Limit = "",
) -> Response:
    """Set the limits for members who have none of their own."""
    await limits.change_team(ctx, limits.parse(workstation_limit, gpu_workstation_limit))
    return redirect(f"{PAGE}#limits", Done.LIMITS_SAVED)


@router.post("/security-keys")
async def require_security_keys(
    ctx: ContextDep, _: AdminDep, sign_in: SignInDep, required: Annotated[bool, Form()]
) -> Response:
    """Require security keys of everybody, or stop requiring them. Requires a fresh sign-in."""
    if not await fresh_sign_ins.is_fresh(ctx, sign_in):
        return redirect_to_sign_in(f"{PAGE}#security-keys")
    await fresh_sign_ins.require(ctx, required=required)
    return redirect(f"{PAGE}#security-keys")
