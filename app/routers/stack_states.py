"""The pages of the Terraform states that a stack went through: a workstation's, and the shared one's."""

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from app.deps import Portal, PortalDep, SessionDep, SharedStackDep, WorkstationDep
from app.routers.api.shapes import MOST_ROWS, Below
from app.services.stacks import Subject
from app.services.terraform import state_history
from app.services.terraform.state_history import VERSIONS_A_PAGE, Step
from app.views.run_view import PlanView, path, spoken
from app.web import render

router = APIRouter()


@dataclass(frozen=True)
class StepView:
    """A step with its changes in the form that the plan's macros show."""

    step: Step
    plan: PlanView


@router.get("/workstations/{workstation_id}/states")
async def of_workstation(
    request: Request, workstation: WorkstationDep, portal: PortalDep, session: SessionDep, below: Below = MOST_ROWS
) -> Response:
    """The newest states, or those below a number, each with what changed to the one before."""
    return await _page(request, workstation, "workstations", portal, session, below)


@router.get("/admin/shared-stack/states")
async def of_shared_stack(
    request: Request, stack: SharedStackDep, portal: PortalDep, session: SessionDep, below: Below = MOST_ROWS
) -> Response:
    """The same of the shared stack."""
    return await _page(request, stack, "shared-stack", portal, session, below)


async def _page(
    request: Request, subject: Subject, section: str, portal: Portal, session: SessionDep, below: int
) -> Response:
    found = await state_history.steps(session, portal.vault, subject.id, below)
    context = {
        "section": section,
        "subject_name": spoken(subject),
        "subject_path": path(subject),
        "steps": [StepView(step, PlanView(step.changes, step.outputs, [])) for step in found],
        "older": found[-1].version.number if len(found) == VERSIONS_A_PAGE and found[-1].version.number > 1 else None,
    }
    return render(request, "stacks/states.html", context)
