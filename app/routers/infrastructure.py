"""The page of the shared infrastructure: what there is, how it is doing, and what one needs to use it."""

from typing import Any

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from app.deps import MemberDep, Portal, PortalDep, SessionDep, SignInDep
from app.errors import NotFoundError
from app.live import inspection_topic
from app.models import Member
from app.routers import streams
from app.services import inspections
from app.services.people import fresh_sign_ins, members
from app.services.runs import stacks
from app.services.shared import infrastructure, infrastructure_lines, infrastructure_state, passwords
from app.services.shared.infrastructure_state import INSPECTION
from app.views.infrastructure_picture import picture
from app.web import redirect, redirect_to_sign_in, render

router = APIRouter(prefix="/infrastructure", include_in_schema=False)
PAGE = router.prefix
log = structlog.get_logger()


@router.get("")
async def page(request: Request, portal: PortalDep, session: SessionDep, member: MemberDep) -> Response:
    """The page, with the age of what is known from Google."""
    context = await _context(session, portal, member)
    return render(request, "infrastructure/show.html", context, fragment="infrastructure/_show.html")


async def _context(session: AsyncSession, portal: Portal, member: Member) -> dict[str, Any]:
    stack = await stacks.shared(session)
    outputs = stack.outputs if stack else {}
    who = infrastructure.viewer(stack, member, portal.settings)
    around = await infrastructure.surroundings(session, stack, portal.settings)
    inspection = await inspections.read(session, INSPECTION)
    lights = infrastructure_state.lights_of(inspection)
    return {
        "stack": stack,
        "parts": infrastructure.parts(outputs, who, around, portal.settings),
        "passwords": passwords.of(outputs, member),
        "inspection": inspection,
        "lights": lights,
        "is_stale": bool(inspection and infrastructure_state.is_stale(inspection, portal.clock())),
        "is_requested": await inspections.is_requested(session, INSPECTION),
        "picture": picture(outputs, around, lights) if outputs else None,
        "admins": [] if outputs else await members.admins(portal.context(session, member)),
    }


@router.post("")
async def refresh(session: SessionDep, member: MemberDep) -> Response:
    """Have a worker look again."""
    await inspections.request(session, INSPECTION)
    log.info("look at the infrastructure asked for", member=member.id)
    return redirect(PAGE)


@router.get("/events")
async def events(request: Request, portal: PortalDep, _: MemberDep) -> StreamingResponse:
    """A signal whenever a worker has looked."""
    return streams.event_stream(streams.changes(request, portal, inspection_topic(INSPECTION)))


@router.post("/passwords/{key}")
async def show_password(
    request: Request, key: str, portal: PortalDep, session: SessionDep, member: MemberDep, sign_in: SignInDep
) -> Response:
    """One password, for a browser whose person proved who they are a short time ago."""
    stack = await stacks.shared(session)
    if stack is None:
        raise NotFoundError("password")
    password = passwords.find(stack.outputs, member, key)
    ctx = portal.context(session, member)
    if not await fresh_sign_ins.is_fresh(ctx, sign_in):
        return redirect_to_sign_in(f"{PAGE}#{password.part}")
    text = passwords.read(ctx, stack, password)
    log.info("password read", member=member.id, password=password.key)
    username = stack.outputs[password.username]
    context = {
        "password": password,
        "username": username,
        "text": text,
        "lines": infrastructure_lines.mlflow(stack.outputs["mlflow_url"], username, text)
        if password.part == "mlflow"
        else "",
    }
    response = render(request, "infrastructure/password.html", context)
    response.headers["Cache-Control"] = "no-store"
    return response
