"""The page that creates a machine from a kept disk."""

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.deps import AvailabilityDep, CatalogDep, MemberDep, Portal, PortalDep, SessionDep, WorkstationDep
from app.errors import ConflictError, InvalidError, StationmasterError
from app.models import Workstation
from app.routers import workstation_change_form, workstation_form
from app.services.catalog.availability import Availability
from app.services.workstations import kept_disks, specs
from app.services.workstations.specs import MachineSpec
from app.web import redirect, render

router = APIRouter(prefix="/workstations/{workstation_id}/machine")


@router.get("")
async def machine_page(
    request: Request, workstation: WorkstationDep, portal: PortalDep, session: SessionDep, availability: AvailabilityDep
) -> Response:
    """The form, filled in with the deleted machine's settings. Query parameters are the choices made so far."""
    if not workstation.can_come_back:
        return redirect(f"/workstations/{workstation.id}")
    return await _form(request, workstation, portal, session, availability)


@router.post("")
async def make_machine(
    request: Request,
    workstation: WorkstationDep,
    portal: PortalDep,
    session: SessionDep,
    member: MemberDep,
    availability: AvailabilityDep,
    catalog: CatalogDep,
) -> Response:
    """Queue the new machine. Invalid fields are shown with their errors and what was typed."""
    typed = await workstation_form.typed_into(request)
    try:
        change = workstation_change_form.change(typed, specs.columns(workstation))
        spec = MachineSpec(machine_type=change.machine_type, image=change.image, spot=change.spot)
        run = await kept_disks.request_machine(
            session, workstation, member, spec, catalog, portal.settings, portal.clock()
        )
    except (InvalidError, ConflictError) as error:
        return await _form(request, workstation, portal, session, availability, error)
    return redirect(f"/runs/{run.id}")


async def _form(
    request: Request,
    workstation: Workstation,
    portal: Portal,
    session: AsyncSession,
    availability: Availability,
    error: StationmasterError | None = None,
) -> Response:
    typed = await workstation_form.typed_into(request)
    catalog, settings = availability.narrow(portal.catalog), portal.settings
    desired = specs.columns(workstation)
    context = workstation_change_form.context(workstation, desired, typed, catalog, availability, settings, error)
    return render(
        request,
        "kept_disks/machine.html",
        context,
        fragment="kept_disks/_machine_form.html",
        status=error.status if error else 200,
    )
