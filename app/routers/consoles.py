"""The serial console of a workstation: of one of its boots, or as it is now."""

from fastapi import APIRouter, Request, Response

from app.deps import SessionDep, WorkstationDep
from app.routers.paging import Boot
from app.services.workstations import consoles
from app.web import redirect, render

router = APIRouter(prefix="/workstations/{workstation_id}/console")


@router.get("")
async def show(request: Request, workstation: WorkstationDep, session: SessionDep, boot: Boot = "") -> Response:
    """What a worker has read. Without `boot`: on demand."""
    context = {
        "workstation": workstation,
        "boot": boot,
        "console": await consoles.read(session, workstation.id, boot),
        "is_requested": await consoles.is_requested(session, workstation.id, boot),
    }
    return render(request, "workstations/console.html", context, fragment="workstations/_console.html")


@router.post("")
async def read(workstation: WorkstationDep, session: SessionDep) -> Response:
    """Have a worker read it now."""
    await consoles.request_now(session, workstation)
    return redirect(f"/workstations/{workstation.id}/console")
