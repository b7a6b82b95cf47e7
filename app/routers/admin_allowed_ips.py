"""The admin's page of allowed IPs: what is asked for, what the firewall lets in, and until when."""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app import origin
from app.deps import AdminDep, AllowedIpDep, Portal, PortalDep, SessionDep
from app.errors import InvalidError
from app.routers.allowed_ip_form import AS_ASKED, TIME_OPTIONS, USUAL, Text, Typed, end_of
from app.services import allowed_ips
from app.services.allowed_ips import listing
from app.web import redirect, render

router = APIRouter(prefix="/admin/allowed-ips")
PAGE = router.prefix


@router.get("")
async def page(request: Request, portal: PortalDep, session: SessionDep, admin: AdminDep) -> Response:
    """All of them, those first that wait for a decision."""
    context = await _context(portal, session, Typed(owner=admin.email))
    return render(request, "allowed_ips/admin.html", context, fragment="allowed_ips/_admin.html")


@router.post("")
async def add(
    request: Request,
    portal: PortalDep,
    session: SessionDep,
    admin: AdminDep,
    cidr: Text = "",
    label: Text = "",
    owner: Text = "",
    lasts: Text = USUAL,
    confirm: Text = "",
) -> Response:
    """Put a range on the list; what does not fit is said at its field, with what was typed kept."""
    typed, now = Typed(cidr, label, lasts, owner), portal.clock()
    try:
        spec = typed.spec(now, origin.current().place, is_confirmed=bool(confirm))
        of = await allowed_ips.owner_named(session, owner)
        await allowed_ips.add(session, admin, of, spec, portal.settings, now)
    except InvalidError as error:
        context = await _context(portal, session, replace(typed, problems=error.fields))
        return render(request, "allowed_ips/admin.html", context, status=422)
    return redirect(PAGE)


@router.post("/apply")
async def apply_again(portal: PortalDep, session: SessionDep, admin: AdminDep) -> Response:
    """Bring the firewall to what was decided."""
    run = await allowed_ips.apply_again(session, admin, portal.settings, portal.clock())
    return redirect(f"/runs/{run.id}")


@router.post("/{allowed_ip_id}/approve")
async def approve(
    ip: AllowedIpDep, admin: AdminDep, portal: PortalDep, session: SessionDep, lasts: Text = AS_ASKED
) -> Response:
    """Let it in, as long as was asked for or the admin chose."""
    now = portal.clock()
    end = ip.expires_at if lasts == AS_ASKED else end_of(lasts, now)
    await allowed_ips.approve(session, ip, admin, end, portal.settings, now)
    return redirect(PAGE)


@router.post("/{allowed_ip_id}/refuse")
async def refuse(ip: AllowedIpDep, admin: AdminDep, portal: PortalDep, session: SessionDep) -> Response:
    """Do not let it in."""
    await allowed_ips.refuse(session, ip, admin, portal.clock())
    return redirect(PAGE)


@router.post("/{allowed_ip_id}/remove")
async def remove(ip: AllowedIpDep, admin: AdminDep, portal: PortalDep, session: SessionDep) -> Response:
    """Take it off the list."""
    await allowed_ips.remove(session, ip, admin, portal.settings, portal.clock())
    return redirect(PAGE)


async def _context(portal: Portal, session: AsyncSession, typed: Typed) -> dict[str, Any]:
    return {
        "every": await listing.read(session, portal.clock()),
        "typed": typed,
        "times": TIME_OPTIONS,
        "as_asked": AS_ASKED,
    }
