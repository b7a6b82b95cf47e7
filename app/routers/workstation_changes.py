"""The page that edits a workstation, and the check for drift."""

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.deps import AvailabilityDep, CatalogDep, MemberDep, Portal, PortalDep, SessionDep, WorkstationDep
from app.errors import InvalidError
from app.models import Workstation
from app.routers import workstation_change_form, workstation_form
from app.services import workstations
from app.services.catalog.availability import Availability
from app.services.workstations.specs import WorkstationPatch
from app.web import redirect, render

router = APIRouter(prefix="/workstations/{workstation_id}")


@router.get("/change")
async def change_page(
    request: Request, workstation: WorkstationDep, portal: PortalDep, session: SessionDep, availability: AvailabilityDep
) -> Response:
    """The form. Query parameters are the choices made so far, whose price and effect it shows."""
    return await _form(request, workstation, portal, session, availability)


@router.post("/change")
async def change(
    request: Request,
    workstation: WorkstationDep,
    portal: PortalDep,
    session: SessionDep,
    member: MemberDep,
    availability: AvailabilityDep,
    catalog: CatalogDep,
) -> Response:
    """Queue the change. Invalid fields are shown with their errors and what was typed."""
    desired = await workstations.desired(session, workstation)
    try:
        spec = workstation_change_form.sent(await workstation_form.typed_into(request), desired)
        run = await workstations.request_change(
            session, workstation, member, spec, catalog, portal.settings, portal.clock()
        )
    except InvalidError as error:
        return await _form(request, workstation, portal, session, availability, error)
    return redirect(f"/runs/{run.id}")


async def _form(
    request: Request,
    workstation: Workstation,
    portal: Portal,
    session: AsyncSession,
    availability: Availability,
    error: InvalidError | None = None,
) -> Response:
    desired = await workstations.desired(session, workstation)
    typed = await workstation_form.typed_into(request)
    catalog = availability.narrow(portal.catalog)
    context = workstation_change_form.context(
        workstation, desired, typed, catalog, availability, portal.settings, error
    )
    status = error.status if error else 200
    return render(
        request, "workstations/change.html", context, fragment="workstations/_change_form.html", status=status
    )


@router.post("/check")
async def check(workstation: WorkstationDep, portal: PortalDep, session: SessionDep, member: MemberDep) -> Response:
    """Plan the same settings again, which corrects differences at Google."""
    no_change = WorkstationPatch.model_validate({})
    run = await workstations.request_change(
        session, workstation, member, no_change, portal.catalog, portal.settings, portal.clock()
    )
    return redirect(f"/runs/{run.id}")
