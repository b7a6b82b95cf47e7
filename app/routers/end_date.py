"""The page of a workstation's end date, and the button that keeps a machine which nobody starts."""

from datetime import UTC
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from pydantic import ValidationError

from app.deps import ContextDep, WorkstationDep
from app.errors import InvalidError
from app.notices import Done
from app.sent_forms import SentFormDep, shown_on
from app.services.people import team_policy
from app.services.workstations import lifetimes
from app.services.workstations.lifetimes import EndDateSpec
from app.web import field_sentences, redirect, render

WORKSTATION = "/workstations/{workstation_id}"
PAGE = f"{WORKSTATION}/end-date"
router = APIRouter()


@router.get(PAGE)
async def page(request: Request, workstation: WorkstationDep, ctx: ContextDep, sent: SentFormDep) -> Response:
    """The form."""
    context = {
        "workstation": workstation,
        "ends_on": sent.get("ends_on", workstation.ends_on.isoformat() if workstation.ends_on else ""),
        "today": ctx.now.astimezone(UTC).date().isoformat(),
        "errors": sent.errors,
        "grace": (await team_policy.of_team(ctx.session)).grace_days,
    }
    return render(request, "workstations/end_date.html", context)


@router.post(PAGE, dependencies=[shown_on(PAGE)])
async def save(workstation: WorkstationDep, ctx: ContextDep, ends_on: Annotated[str, Form()] = "") -> Response:
    """Set it."""
    try:
        spec = EndDateSpec.model_validate({"ends_on": ends_on.strip()})
    except ValidationError as error:
        raise InvalidError("Fix the errors below.", fields=field_sentences(error.errors())) from error
    await lifetimes.change(ctx, workstation, spec.ends_on)
    return redirect(f"/workstations/{workstation.id}", Done.END_DATE_SAVED)


@router.post(f"{PAGE}/remove", dependencies=[shown_on(WORKSTATION)])
async def remove(workstation: WorkstationDep, ctx: ContextDep) -> Response:
    """Let it have none."""
    await lifetimes.remove(ctx, workstation)
    return redirect(f"/workstations/{workstation.id}", Done.END_DATE_REMOVED)


@router.post(f"{WORKSTATION}/keep", dependencies=[shown_on(WORKSTATION)])
async def keep(workstation: WorkstationDep, ctx: ContextDep) -> Response:
    """Keep it, although nobody has started it for long."""
    await lifetimes.keep(ctx, workstation)
    return redirect(f"/workstations/{workstation.id}", Done.WORKSTATION_KEPT)
