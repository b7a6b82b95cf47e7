"""The admins' page of allowed IPs: pending requests, and all addresses that the firewall allows."""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response

from app.deps import AdminDep, AllowedIpDep, ContextDep
from app.errors import InvalidError
from app.routers.allowed_ip_form import AS_REQUESTED, TIME_OPTIONS, Typed, end_of, typed_into
from app.routers.paging import AfterId
from app.services import allowed_ips
from app.services.allowed_ips import listing
from app.services.audit import Words
from app.services.context import Context
from app.web import redirect, render

router = APIRouter(prefix="/admin/allowed-ips")
PAGE = router.prefix


@router.get("")
async def page(
    request: Request, ctx: ContextDep, admin: AdminDep, q: Annotated[Words, Query()] = "", after: AfterId = ""
) -> Response:
    """Allowed IPs with `q` in range, label or owner, pending requests first."""
    context = await _context(ctx, Typed(owner=admin.email), q, after)
    return render(request, "allowed_ips/admin.html", context, fragment="allowed_ips/_admin.html")


@router.post("")
async def add(request: Request, ctx: ContextDep, _: AdminDep) -> Response:
    """Allow a range. Invalid fields are shown with their errors and what was typed."""
    typed = await typed_into(request)
    try:
        spec = typed.spec(ctx.now)
        owner = await allowed_ips.owner_named(ctx.session, typed.owner)
        await allowed_ips.add(ctx, owner, spec)
    except InvalidError as error:
        context = await _context(ctx, replace(typed, problems=error.fields))
        return render(request, "allowed_ips/admin.html", context, status=422)
    return redirect(PAGE)


@router.post("/apply")
async def apply_again(ctx: ContextDep, _: AdminDep) -> Response:
    """Update the firewall after a run that failed or was discarded."""
    run = await allowed_ips.apply_again(ctx)
    return redirect(f"/runs/{run.id}")


@router.post("/{allowed_ip_id}/approve")
async def approve(
    ip: AllowedIpDep, ctx: ContextDep, _: AdminDep, lasts: Annotated[str, Form()] = AS_REQUESTED
) -> Response:
    """Approve a request for the requested or another duration."""
    end = ip.expires_at if lasts == AS_REQUESTED else end_of(lasts, ctx.now)
    await allowed_ips.approve(ctx, ip, end)
    return redirect(PAGE)


@router.post("/{allowed_ip_id}/refuse")
async def refuse(ip: AllowedIpDep, ctx: ContextDep, _: AdminDep) -> Response:
    """Deny a request."""
    await allowed_ips.refuse(ctx, ip)
    return redirect(PAGE)


@router.post("/{allowed_ip_id}/remove")
async def remove(ip: AllowedIpDep, ctx: ContextDep, _: AdminDep) -> Response:
    """Remove an allowed IP."""
    await allowed_ips.remove(ctx, ip)
    return redirect(PAGE)


async def _context(ctx: Context, typed: Typed, search: str = "", after: str = "") -> dict[str, Any]:
    return {
        "every": await listing.read(ctx, search=search, after=after),
        "search": search,
        "after": after,
        "typed": typed,
        "times": TIME_OPTIONS,
        "as_requested": AS_REQUESTED,
    }
