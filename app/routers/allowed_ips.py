"""A member's page of allowed IPs: whether MLflow lets them in from where they are, and what they have asked for."""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from app import live, origin
from app.deps import AllowedIpDep, MemberDep, Portal, PortalDep, SessionDep
from app.errors import InvalidError
from app.models import Member
from app.routers import streams
from app.routers.allowed_ip_form import TIME_OPTIONS, USUAL, Text, Typed
from app.services import allowed_ips, ip_ranges
from app.services.allowed_ips import listing
from app.web import redirect, render

router = APIRouter(prefix="/allowed-ips")
PAGE = router.prefix


@router.get("")
async def page(request: Request, portal: PortalDep, session: SessionDep, member: MemberDep) -> Response:
    """Where they come from, and their own."""
    context = await _context(portal, session, member, Typed())
    return render(request, "allowed_ips/list.html", context, fragment="allowed_ips/_show.html")


@router.post("")
async def ask(
    request: Request,
    portal: PortalDep,
    session: SessionDep,
    member: MemberDep,
    cidr: Text = "",
    label: Text = "",
    lasts: Text = USUAL,
    confirm: Text = "",
) -> Response:
    """Ask for an address or a range; what does not fit is said at its field, with what was typed kept."""
    typed, now = Typed(cidr, label, lasts), portal.clock()
    try:
        spec = typed.spec(now, origin.current().place, is_confirmed=bool(confirm))
        await allowed_ips.ask(session, member, spec, now)
    except InvalidError as error:
        context = await _context(portal, session, member, replace(typed, problems=error.fields))
        return render(request, "allowed_ips/list.html", context, status=422)
    return redirect(PAGE)


@router.get("/events")
async def events(portal: PortalDep, _: MemberDep) -> StreamingResponse:
    """A signal whenever any of them changed."""
    return streams.event_stream(streams.changes(portal, live.ALLOWED_IPS))


@router.post("/{allowed_ip_id}/remove")
async def remove(ip: AllowedIpDep, portal: PortalDep, session: SessionDep, member: MemberDep) -> Response:
    """Take it off the list, or the ask back."""
    await allowed_ips.remove(session, ip, member, portal.settings, portal.clock())
    return redirect(PAGE)


async def _context(portal: Portal, session: AsyncSession, member: Member, typed: Typed) -> dict[str, Any]:
    every = await listing.read(session, portal.clock(), ended_of=member)
    address = ip_ranges.of_client(origin.current().place)
    return {
        "address": address,
        "around": every.around(address),
        "own": every.of_owner(member),
        "typed": typed,
        "times": TIME_OPTIONS,
        "usual": USUAL,
    }
