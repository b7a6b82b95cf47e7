"""The page that edits a workstation, and the check for drift."""

from fastapi import APIRouter, Request, Response

from app.deps import AvailabilityDep, ContextDep, WorkstationDep
from app.models import Member
from app.routers import workstation_change_form, workstation_form
from app.sent_forms import SentFormDep, shown_on
from app.services import workstations
from app.services.people import limits
from app.services.workstations import drift, impact, running_now, specs
from app.services.workstations.specs import WorkstationPatch
from app.web import redirect, render

PAGE = "/workstations/{workstation_id}"
router = APIRouter(prefix=PAGE, dependencies=[shown_on(PAGE)])


@router.get("/change")
async def change_page(
    request: Request, workstation: WorkstationDep, ctx: ContextDep, availability: AvailabilityDep, sent: SentFormDep
) -> Response:
    """The form. Query parameters are the choices made so far, whose price and effect it shows."""
    desired = await workstations.desired(ctx.session, workstation)
    typed = workstation_form.chosen_so_far(request, sent)
    context = workstation_change_form.context(ctx, workstation, desired, typed, availability, sent.errors)
    context["allowance"] = await limits.of(ctx, await ctx.session.get_one(Member, workstation.owner_id))
    return render(request, "workstations/change.html", context, fragment="workstations/_change_form.html")


@router.post("/change", dependencies=[shown_on(f"{PAGE}/change")])
async def change(request: Request, workstation: WorkstationDep, ctx: ContextDep) -> Response:
    """Queue the change."""
    desired = await workstations.desired(ctx.session, workstation)
    typed = await workstation_form.typed_into(request)
    spec = workstation_change_form.submitted(typed, desired)
    columns = specs.changed(workstation, desired, spec, ctx.catalog, ctx.settings)
    if impact.stops(desired, columns, has_snapshot=workstation.snapshot is not None):
        running_now.require_confirmation(workstation, ctx.now, is_confirmed=typed.get("end_work") == "yes")
    await workstations.request_change(ctx, workstation, spec)
    return redirect(f"/workstations/{workstation.id}")


@router.post("/check")
async def check(workstation: WorkstationDep, ctx: ContextDep) -> Response:
    """Compare the machine with what was applied; nothing is changed."""
    await workstations.request_check(ctx, workstation)
    return redirect(f"/workstations/{workstation.id}")


@router.post("/restore")
async def restore(workstation: WorkstationDep, ctx: ContextDep) -> Response:
    """Plan the same settings again, which corrects differences at Google."""
    await workstations.request_change(ctx, workstation, WorkstationPatch.model_validate({}))
    return redirect(f"/workstations/{workstation.id}")


@router.post("/keep-drift")
async def keep_drift(workstation: WorkstationDep, ctx: ContextDep) -> Response:
    """Take what Google has into the workstation's settings."""
    await drift.keep(ctx, workstation)
    return redirect(f"/workstations/{workstation.id}")
