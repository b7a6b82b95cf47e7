"""The admins' page of allowed IPs: pending requests, and all addresses that the firewall allows."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response

from app.deps import AdminDep, AllowedIpDep, ContextDep
from app.notices import Done
from app.routers.allowed_ip_form import AS_REQUESTED, TIME_OPTIONS, Typed, end_of, typed_again, typed_into
from app.routers.paging import AfterId
from app.sent_forms import SentFormDep, shown_on
from app.services import allowed_ips
from app.services.allowed_ips import listing
from app.services.audit import Words
from app.services.context import Context
from app.services.runs import stacks
from app.services.shared import infrastructure
from app.web import redirect, render

PAGE = "/admin/allowed-ips"
router = APIRouter(prefix=PAGE, dependencies=[shown_on(PAGE)])


@router.get("")
async def page(
    request: Request,
    ctx: ContextDep,
    admin: AdminDep,
    sent: SentFormDep,
    q: Annotated[Words, Query()] = "",
    after: AfterId = "",
) -> Response:
    """Allowed IPs with `q` in range, label or owner, pending requests first."""
    context = await _context(ctx, typed_again(sent, admin.email), q, after)
    return render(request, "allowed_ips/admin.html", context, fragment="allowed_ips/_admin.html")


@router.post("")
async def add(request: Request, ctx: ContextDep, _: AdminDep) -> Response:
    """Allow a range."""
    typed = await typed_into(request)
    spec = typed.spec(ctx.now)
    owner = await allowed_ips.owner_named(ctx.session, typed.owner)
    await allowed_ips.add(ctx, owner, spec)
    return redirect(PAGE, Done.RANGE_ADDED)


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
    return redirect(PAGE, Done.REQUEST_APPROVED)


@router.post("/{allowed_ip_id}/refuse")
async def refuse(ip: AllowedIpDep, ctx: ContextDep, _: AdminDep) -> Response:
    """Deny a request."""
    await allowed_ips.refuse(ctx, ip)
    return redirect(PAGE, Done.REQUEST_DENIED)


@router.post("/{allowed_ip_id}/remove")
async def remove(ip: AllowedIpDep, ctx: ContextDep, _: AdminDep) -> Response:
    """Remove an allowed IP."""
    await allowed_ips.remove(ctx, ip)
    return redirect(PAGE, Done.IP_REMOVED)


async def _context(ctx: Context, typed: Typed, search: str, after: str) -> dict[str, Any]:
    stack = await stacks.shared(ctx.session)
    return {
        "has_stack": stack is not None and stack.exists,
        "has_mlflow": bool(infrastructure.mlflow_url(stack, ctx.settings)),
        "every": await listing.read(ctx, search=search, after=after),
        "search": search,
        "after": after,
        "typed": typed,
        "times": TIME_OPTIONS,
        "as_requested": AS_REQUESTED,
    }
