"""A member's page of allowed IPs: whether their current address is allowed, and their requests."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from app import live, origin
from app.deps import AllowedIpDep, ContextDep, MemberDep, PortalDep
from app.notices import Done
from app.routers import streams
from app.routers.allowed_ip_form import TIME_OPTIONS, USUAL, Typed, typed_again, typed_into
from app.routers.paging import AfterId
from app.sent_forms import SentFormDep, shown_on
from app.services import allowed_ips
from app.services.allowed_ips import listing
from app.services.context import Context
from app.services.runs import stacks
from app.services.shared import infrastructure, ip_ranges
from app.web import redirect, render

PAGE = "/allowed-ips"
router = APIRouter(prefix=PAGE, dependencies=[shown_on(PAGE)])


@router.get("")
async def page(request: Request, ctx: ContextDep, sent: SentFormDep, after: AfterId = "") -> Response:
    """The member's current address and their allowed IPs."""
    context = await _context(ctx, typed_again(sent), after)
    return render(request, "allowed_ips/list.html", context, fragment="allowed_ips/_show.html")


@router.post("")
async def ask(request: Request, ctx: ContextDep) -> Response:
    """Request access for an address or range."""
    typed = await typed_into(request)
    await allowed_ips.request_range(ctx, typed.spec(ctx.now))
    return redirect(PAGE, Done.ACCESS_REQUESTED)


@router.get("/events")
async def events(request: Request, portal: PortalDep, _: MemberDep) -> StreamingResponse:
    """A signal whenever any allowed IP changes."""
    return streams.event_stream(streams.changes(request, portal, live.ALLOWED_IPS))


@router.post("/{allowed_ip_id}/remove")
async def remove(ip: AllowedIpDep, ctx: ContextDep) -> Response:
    """Remove an allowed IP, or withdraw the request for it."""
    await allowed_ips.remove(ctx, ip)
    return redirect(PAGE, Done.IP_REMOVED)


async def _context(ctx: Context, typed: Typed, after: str) -> dict[str, Any]:
    address = ip_ranges.of_client(origin.current().place)
    return {
        "address": address,
        "has_mlflow": bool(infrastructure.mlflow_url(await stacks.shared(ctx.session), ctx.settings)),
        "around": await listing.around(ctx, address),
        "own": await listing.read(ctx, owner=ctx.member, after=after),
        "after": after,
        "typed": typed,
        "times": TIME_OPTIONS,
        "usual": USUAL,
    }
