"""A member's page of allowed IPs: whether MLflow lets them in from where they are, and what they have asked for."""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from app import live, origin
from app.deps import AllowedIpDep, ContextDep, MemberDep, PortalDep
from app.errors import InvalidError
from app.routers import streams
from app.routers.allowed_ip_form import TIME_OPTIONS, USUAL, Typed, typed_into
from app.services import allowed_ips, ip_ranges
from app.services.allowed_ips import listing
from app.services.context import Context
from app.web import redirect, render

router = APIRouter(prefix="/allowed-ips")
PAGE = router.prefix


@router.get("")
async def page(request: Request, ctx: ContextDep) -> Response:
    """Where they come from, and their own."""
    context = await _context(ctx, Typed())
    return render(request, "allowed_ips/list.html", context, fragment="allowed_ips/_show.html")


@router.post("")
async def ask(request: Request, ctx: ContextDep) -> Response:
    """Ask for an address or a range; what does not fit is said at its field, with what was typed kept."""
    typed = await typed_into(request)
    try:
        await allowed_ips.ask(ctx, typed.spec(ctx.now))
    except InvalidError as error:
        context = await _context(ctx, replace(typed, problems=error.fields))
        return render(request, "allowed_ips/list.html", context, status=422)
    return redirect(PAGE)


@router.get("/events")
async def events(portal: PortalDep, _: MemberDep) -> StreamingResponse:
    """A signal whenever any of them changed."""
    return streams.event_stream(streams.changes(portal, live.ALLOWED_IPS))


@router.post("/{allowed_ip_id}/remove")
async def remove(ip: AllowedIpDep, ctx: ContextDep) -> Response:
    """Take it off the list, or the ask back."""
    await allowed_ips.remove(ctx, ip)
    return redirect(PAGE)


async def _context(ctx: Context, typed: Typed) -> dict[str, Any]:
    every = await listing.read(ctx.session, ctx.now, ended_of=ctx.member)
    address = ip_ranges.of_client(origin.current().place)
    return {
        "address": address,
        "around": every.around(address),
        "own": every.of_owner(ctx.member),
        "typed": typed,
        "times": TIME_OPTIONS,
        "usual": USUAL,
    }
