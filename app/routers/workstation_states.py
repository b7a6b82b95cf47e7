"""The page of the Terraform states that a workstation went through."""

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from app.deps import PortalDep, SessionDep, WorkstationDep
from app.routers.api.shapes import MOST_ROWS, Below
from app.routers.run_view import PlanView
from app.services import state_history
from app.services.state_history import VERSIONS_A_PAGE, Step
from app.web import render

router = APIRouter(prefix="/workstations/{workstation_id}")


@dataclass(frozen=True)
class StepView:
    """A step with its changes in the form that the plan's macros show."""

    step: Step
    plan: PlanView


@router.get("/states")
async def states(
    request: Request, workstation: WorkstationDep, portal: PortalDep, session: SessionDep, below: Below = MOST_ROWS
) -> Response:
    """The newest states, or those below a number, each with what changed to the one before."""
    found = await state_history.steps(session, portal.vault, workstation.id, below)
    context = {
        "workstation": workstation,
        "steps": [StepView(step, PlanView(step.changes, step.outputs, [])) for step in found],
        "older": found[-1].version.number if len(found) == VERSIONS_A_PAGE and found[-1].version.number > 1 else None,
    }
    return render(request, "workstations/states.html", context)
