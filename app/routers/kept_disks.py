"""The page that creates a machine from a kept disk."""

from fastapi import APIRouter, Request, Response

from app.deps import AvailabilityDep, ContextDep, WorkstationDep
from app.models import Member
from app.routers import workstation_change_form, workstation_form
from app.sent_forms import SentFormDep, shown_on
from app.services.people import limits
from app.services.workstations import kept_disks, specs
from app.services.workstations.kept_disks import MachineSpec
from app.web import redirect, render

PAGE = "/workstations/{workstation_id}/machine"
router = APIRouter(prefix=PAGE, dependencies=[shown_on(PAGE)])


@router.get("")
async def machine_page(
    request: Request, workstation: WorkstationDep, ctx: ContextDep, availability: AvailabilityDep, sent: SentFormDep
) -> Response:
    """The form, filled in with the deleted machine's settings. Query parameters are the choices made so far."""
    if not workstation.can_come_back:
        if sent.error:
            raise sent.error
        return redirect(f"/workstations/{workstation.id}")
    desired = specs.columns(workstation)
    typed = workstation_form.chosen_so_far(request, sent)
    context = workstation_change_form.context(ctx, workstation, desired, typed, availability, sent.errors)
    context["allowance"] = await limits.of(ctx, await ctx.session.get_one(Member, workstation.owner_id))
    return render(request, "kept_disks/machine.html", context, fragment="kept_disks/_machine_form.html")


@router.post("")
async def make_machine(request: Request, workstation: WorkstationDep, ctx: ContextDep) -> Response:
    """Queue the new machine."""
    typed = await workstation_form.typed_into(request)
    change = workstation_change_form.change(typed, specs.columns(workstation))
    spec = MachineSpec(machine_type=change.machine_type, image=change.image, spot=change.spot)
    run = await kept_disks.request_machine(ctx, workstation, spec)
    return redirect(f"/runs/{run.id}")
