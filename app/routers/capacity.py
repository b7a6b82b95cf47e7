"""The page that says what a workstation does when Google has no capacity for it."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from pydantic import ValidationError

from app.deps import ContextDep, WorkstationDep
from app.errors import InvalidError
from app.notices import Done
from app.sent_forms import SentFormDep, shown_on
from app.services.workstations import capacity
from app.services.workstations.capacity import CapacityWishes
from app.views.capacity_offer import WAIT_OPTIONS
from app.web import field_sentences, redirect, render

PAGE = "/workstations/{workstation_id}/capacity"
router = APIRouter(prefix=PAGE)


@router.get("")
async def page(request: Request, workstation: WorkstationDep, sent: SentFormDep) -> Response:
    """The form."""
    form = {"wait_hours": sent.get("wait_hours") if sent.values else str(workstation.wait_hours)}
    context = {"workstation": workstation, "form": form, "errors": sent.errors, "wait_options": WAIT_OPTIONS}
    return render(request, "workstations/capacity.html", context)


@router.post("", dependencies=[shown_on(PAGE)])
async def save(workstation: WorkstationDep, ctx: ContextDep, wait_hours: Annotated[str, Form()] = "") -> Response:
    """Keep what was chosen."""
    try:
        wishes = CapacityWishes.model_validate({"wait_hours": wait_hours})
    except ValidationError as error:
        raise InvalidError("Fix the errors below.", fields=field_sentences(error.errors())) from error
    await capacity.change(ctx, workstation, wishes)
    return redirect(f"/workstations/{workstation.id}", Done.CAPACITY_SAVED)
