"""The doctor's page: the newest examination by a worker, with its age, and a button for another one."""

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from app.deps import AdminDep, PortalDep, SessionDep
from app.live import inspection_topic
from app.routers import streams
from app.services import doctor, inspections
from app.services.doctor import operations
from app.services.doctor.checks import Check, Verdict, worst
from app.web import redirect, render

router = APIRouter(prefix="/admin/doctor", include_in_schema=False)
log = structlog.get_logger()


@router.get("")
async def page(request: Request, portal: PortalDep, session: SessionDep, _: AdminDep) -> Response:
    """The doctor's page: the newest checks, problems first."""
    inspection = await inspections.read(session, doctor.INSPECTION)
    examined = [Check.from_json(kept) for kept in inspection.content["checks"]] if inspection else []
    checks = [*await operations.check(session, portal.clock()), *examined]
    context = {
        "inspection": inspection,
        "groups": [(verdict, [one for one in checks if one.verdict is verdict]) for verdict in reversed(Verdict)],
        "worst": worst(checks),
        "is_requested": await inspections.is_requested(session, doctor.INSPECTION),
    }
    return render(request, "doctor/show.html", context, fragment="doctor/_show.html")


@router.post("")
async def examine(session: SessionDep, admin: AdminDep) -> Response:
    """Have a worker look again."""
    await inspections.request(session, doctor.INSPECTION)
    log.info("examination asked for", member=admin.id)
    return redirect("/admin/doctor")


@router.get("/events")
async def events(request: Request, portal: PortalDep, _: AdminDep) -> StreamingResponse:
    """A signal whenever there is a newer one."""
    return streams.event_stream(streams.changes(request, portal, inspection_topic(doctor.INSPECTION)))
