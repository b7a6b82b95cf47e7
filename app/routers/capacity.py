"""The page that says what a workstation does when Google has no capacity for it."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from pydantic import ValidationError

from app.deps import ContextDep, WorkstationDep
from app.errors import InvalidError
from app.notices import Done
from app.sent_forms import SentFormDep, shown_on
from app.services.people import team_policy
from app.services.workstations import capacity
from app.services.workstations.capacity import CapacityWishes
from app.views.capacity_offer import WAIT_OPTIONS
from app.web import field_sentences, redirect, render

PAGE = "/workstations/{workstation_id}/capacity"
router = APIRouter(prefix=PAGE)
Text = Annotated[str, Form()]
_CHOICES = {None: "", True: "yes", False: "no"}


@router.get("")
async def page(request: Request, workstation: WorkstationDep, ctx: ContextDep, sent: SentFormDep) -> Response:
    """The form."""
    form = {
        "wait_hours": sent.get("wait_hours", str(workstation.wait_hours)),
        "restart_preempted": sent.get("restart_preempted", _CHOICES[workstation.restart_preempted]),
        "moves_itself": sent.get("moves_itself", "yes" if workstation.moves_itself and not sent.values else ""),
    }
    policy = await team_policy.of_team(ctx.session)
    context = {"workstation": workstation, "form": form, "errors": sent.errors, "wait_options": WAIT_OPTIONS}
    context["restart_options"] = [
        ("", f"As the team's policy says ({'yes' if policy.restart_preempted else 'no'})"),
        ("yes", "Yes"),
        ("no", "No"),
    ]
    return render(request, "workstations/capacity.html", context)


@router.post("", dependencies=[shown_on(PAGE)])
async def save(
    workstation: WorkstationDep,
    ctx: ContextDep,
    wait_hours: Text = "",
    restart_preempted: Text = "",
    moves_itself: Text = "",
) -> Response:
    """Keep what was chosen."""
    typed = {
        "wait_hours": wait_hours,
        "restart_preempted": restart_preempted or None,
        "moves_itself": moves_itself or False,
    }
    try:
        wishes = CapacityWishes.model_validate(typed)
    except ValidationError as error:
        raise InvalidError("Fix the errors below.", fields=field_sentences(error.errors())) from error
    await capacity.change(ctx, workstation, wishes)
    return redirect(f"/workstations/{workstation.id}", Done.CAPACITY_SAVED)
