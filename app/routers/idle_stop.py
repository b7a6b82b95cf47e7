"""The page of a workstation's idle stop, and the buttons that keep a machine running."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from pydantic import ValidationError

from app.deps import ContextDep, WorkstationDep
from app.errors import InvalidError
from app.notices import Done
from app.sent_forms import SentFormDep, shown_on
from app.services.workstations import idle_stops
from app.services.workstations.idle_stops import IdleStopSpec, KeepSpec
from app.web import field_sentences, redirect, render

WORKSTATION = "/workstations/{workstation_id}"
PAGE = f"{WORKSTATION}/idle-stop"
router = APIRouter(prefix=PAGE)


@router.get("")
async def page(request: Request, workstation: WorkstationDep, ctx: ContextDep, sent: SentFormDep) -> Response:
    """The form."""
    state = await idle_stops.of(ctx, workstation)
    chosen = "" if state.choice is None else str(state.choice)
    context = {
        "workstation": workstation,
        "minutes": sent.get("minutes", chosen),
        "errors": sent.errors,
        "policy": state.policy,
    }
    return render(request, "workstations/idle_stop.html", context)


@router.post("", dependencies=[shown_on(PAGE)])
async def save(workstation: WorkstationDep, ctx: ContextDep, minutes: Annotated[str, Form()] = "") -> Response:
    """Choose after how many idle minutes it is stopped; empty for the team's default."""
    try:
        spec = IdleStopSpec.model_validate({"minutes": minutes.strip() or None})
    except ValidationError as error:
        sentence = "Enter a whole number of minutes, such as 120, or leave it empty."
        raise InvalidError("Fix the errors below.", fields={"minutes": sentence}) from error
    await idle_stops.change(ctx, workstation, spec.minutes)
    return redirect(f"/workstations/{workstation.id}", Done.IDLE_STOP_SAVED)


@router.post("/keep", dependencies=[shown_on(WORKSTATION)])
async def keep(workstation: WorkstationDep, ctx: ContextDep, hours: Annotated[str, Form()] = "") -> Response:
    """Keep it running for so many hours."""
    try:
        spec = KeepSpec.model_validate({"hours": hours})
    except ValidationError as error:
        raise InvalidError("Choose a time of 1 to 168 hours.", fields=field_sentences(error.errors())) from error
    await idle_stops.keep(ctx, workstation, spec.hours)
    return redirect(f"/workstations/{workstation.id}", Done.KEPT_RUNNING)


@router.post("/release", dependencies=[shown_on(WORKSTATION)])
async def release(workstation: WorkstationDep, ctx: ContextDep) -> Response:
    """Keep it running no longer."""
    await idle_stops.stop_keeping(ctx, workstation)
    return redirect(f"/workstations/{workstation.id}", Done.NOT_KEPT_RUNNING)
