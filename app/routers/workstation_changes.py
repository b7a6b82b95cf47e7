"""The page that edits a workstation, and the check for drift."""

from fastapi import APIRouter, Request, Response

from app.deps import AvailabilityDep, ContextDep, WorkstationDep
from app.errors import InvalidError, StationmasterError
from app.models import Member, Workstation
from app.routers import workstation_change_form, workstation_form
from app.services import workstations
from app.services.catalog.availability import Availability
from app.services.context import Context
from app.services.people import limits
from app.services.people.limits import LimitReachedError
from app.services.workstations import drift
from app.services.workstations.specs import WorkstationPatch
from app.web import redirect, render

router = APIRouter(prefix="/workstations/{workstation_id}")


@router.get("/change")
async def change_page(
    request: Request, workstation: WorkstationDep, ctx: ContextDep, availability: AvailabilityDep
) -> Response:
    """The form. Query parameters are the choices made so far, whose price and effect it shows."""
    return await _form(request, workstation, ctx, availability)


@router.post("/change")
async def change(
    request: Request, workstation: WorkstationDep, ctx: ContextDep, availability: AvailabilityDep
) -> Response:
    """Queue the change. Invalid fields are shown with their errors and what was typed."""
    desired = await workstations.desired(ctx.session, workstation)
    try:
        spec = workstation_change_form.sent(await workstation_form.typed_into(request), desired)
        run = await workstations.request_change(ctx, workstation, spec)
    except (InvalidError, LimitReachedError) as error:
        return await _form(request, workstation, ctx, availability, error)
    return redirect(f"/runs/{run.id}")


async def _form(
    request: Request,
    workstation: Workstation,
    ctx: Context,
    availability: Availability,
    error: StationmasterError | None = None,
) -> Response:
    desired = await workstations.desired(ctx.session, workstation)
    typed = await workstation_form.typed_into(request)
    context = workstation_change_form.context(ctx, workstation, desired, typed, availability, error)
    context["allowance"] = await limits.of(ctx, await ctx.session.get_one(Member, workstation.owner_id))
    status = error.status if error else 200
    return render(
        request, "workstations/change.html", context, fragment="workstations/_change_form.html", status=status
    )


@router.post("/check")
async def check(workstation: WorkstationDep, ctx: ContextDep) -> Response:
    """Compare the machine with what was applied; nothing is changed."""
    run = await workstations.request_check(ctx, workstation)
    return redirect(f"/runs/{run.id}")


@router.post("/restore")
async def restore(workstation: WorkstationDep, ctx: ContextDep) -> Response:
    """Plan the same settings again, which corrects differences at Google."""
    run = await workstations.request_change(ctx, workstation, WorkstationPatch.model_validate({}))
    return redirect(f"/runs/{run.id}")


@router.post("/keep-drift")
async def keep_drift(workstation: WorkstationDep, ctx: ContextDep) -> Response:
    """Take what Google has into the workstation's settings."""
    run = await drift.keep(ctx, workstation)
    return redirect(f"/runs/{run.id}")
