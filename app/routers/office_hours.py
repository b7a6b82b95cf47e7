"""The page of a workstation's office hours."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from pydantic import ValidationError

from app.deps import ContextDep, WorkstationDep
from app.errors import InvalidError
from app.models import Workstation
from app.models.office_hours import DAYS
from app.notices import Done
from app.sent_forms import SentForm, SentFormDep, shown_on
from app.services.workstations import office_hours
from app.services.workstations.office_hours import TIME_ZONES, OfficeHoursSpec
from app.web import field_sentences, redirect, render

WORKSTATION = "/workstations/{workstation_id}"
PAGE = f"{WORKSTATION}/office-hours"
router = APIRouter(prefix=PAGE)
Text = Annotated[str, Form()]
USUAL = {"start": "09:00", "stop": "19:00", "days": DAYS[:5], "time_zone": ""}


@router.get("")
async def page(request: Request, workstation: WorkstationDep, ctx: ContextDep, sent: SentFormDep) -> Response:
    """The form, and what can be done with office hours that are set."""
    context = {
        "workstation": workstation,
        "form": _values(workstation, sent),
        "errors": sent.errors,
        "days": DAYS,
        "time_zones": TIME_ZONES,
        "now": ctx.now,
    }
    return render(request, "workstations/office_hours.html", context)


def _values(workstation: Workstation, sent: SentForm) -> dict[str, Any]:
    """The form's fields: as they were sent, as they are, or a suggestion."""
    if not sent.values:
        return workstation.office_hours or USUAL
    return {name: sent.get(name) for name in ("start", "stop", "time_zone")} | {"days": sent.values.getlist("days")}


@router.post("", dependencies=[shown_on(PAGE)])
async def save(
    workstation: WorkstationDep,
    ctx: ContextDep,
    days: Annotated[list[str], Form(default_factory=list)],
    start: Text = "",
    stop: Text = "",
    time_zone: Text = "",
) -> Response:
    """Set them."""
    typed = {"start": start.strip() or None, "stop": stop.strip() or None, "days": days, "time_zone": time_zone}
    try:
        spec = OfficeHoursSpec.model_validate(typed)
    except ValidationError as error:
        raise InvalidError("Fix the errors below.", fields=_sentences(error)) from error
    await office_hours.change(ctx, workstation, spec)
    return redirect(f"/workstations/{workstation.id}", Done.OFFICE_HOURS_SAVED)


def _sentences(error: ValidationError) -> dict[str, str]:
    # A day that does not exist is reported by its place in the list.
    fields = field_sentences(error.errors())
    return {name.partition(".")[0]: "Choose days." if "." in name else text for name, text in fields.items()}


@router.post("/off", dependencies=[shown_on(WORKSTATION)])
async def off(workstation: WorkstationDep, ctx: ContextDep) -> Response:
    """Turn them off."""
    await office_hours.end(ctx, workstation)
    return redirect(f"/workstations/{workstation.id}", Done.OFFICE_HOURS_OFF)


@router.post("/skip", dependencies=[shown_on(WORKSTATION)])
async def skip(workstation: WorkstationDep, ctx: ContextDep) -> Response:
    """Skip their next day, or what is left of the current one."""
    await office_hours.skip(ctx, workstation)
    return redirect(f"/workstations/{workstation.id}", Done.OFFICE_HOURS_SKIPPED)


@router.post("/resume", dependencies=[shown_on(WORKSTATION)])
async def resume(workstation: WorkstationDep, ctx: ContextDep) -> Response:
    """Skip no day."""
    await office_hours.resume(ctx, workstation)
    return redirect(f"/workstations/{workstation.id}", Done.OFFICE_HOURS_RESUMED)
