"""The page that creates a machine from a kept disk."""

from fastapi import APIRouter, Request, Response

from app.deps import AvailabilityDep, ContextDep, WorkstationDep
from app.errors import ConflictError, InvalidError, StationmasterError
from app.models import Member, Workstation
from app.routers import workstation_change_form, workstation_form
from app.services.catalog.availability import Availability
from app.services.context import Context
from app.services.people import limits
from app.services.workstations import kept_disks, specs
from app.services.workstations.specs import MachineSpec
from app.web import redirect, render

router = APIRouter(prefix="/workstations/{workstation_id}/machine")


@router.get("")
async def machine_page(
    request: Request, workstation: WorkstationDep, ctx: ContextDep, availability: AvailabilityDep
) -> Response:
    """The form, filled in with the deleted machine's settings. Query parameters are the choices made so far."""
    if not workstation.can_come_back:
        return redirect(f"/workstations/{workstation.id}")
    return await _form(request, workstation, ctx, availability)


@router.post("")
async def make_machine(
    request: Request, workstation: WorkstationDep, ctx: ContextDep, availability: AvailabilityDep
) -> Response:
    """Queue the new machine. Invalid fields are shown with their errors and what was typed."""
    typed = await workstation_form.typed_into(request)
    try:
        change = workstation_change_form.change(typed, specs.columns(workstation))
        spec = MachineSpec(machine_type=change.machine_type, image=change.image, spot=change.spot)
        run = await kept_disks.request_machine(ctx, workstation, spec)
    except (InvalidError, ConflictError) as error:
        return await _form(request, workstation, ctx, availability, error)
    return redirect(f"/runs/{run.id}")


async def _form(
    request: Request,
    workstation: Workstation,
    ctx: Context,
    availability: Availability,
    error: StationmasterError | None = None,
) -> Response:
    typed = await workstation_form.typed_into(request)
    desired = specs.columns(workstation)
    context = workstation_change_form.context(ctx, workstation, desired, typed, availability, error)
    context["allowance"] = await limits.of(ctx, await ctx.session.get_one(Member, workstation.owner_id))
    return render(
        request,
        "kept_disks/machine.html",
        context,
        fragment="kept_disks/_machine_form.html",
        status=error.status if error else 200,
    )
