"""The state history of a workstation and of the shared stack: their Terraform states, newest first."""

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from app.deps import Portal, PortalDep, SessionDep, SharedStackDep, WorkstationDep
from app.routers.paging import MOST_ROWS, Below
from app.services.runs.stacks import Subject
from app.services.terraform import state_history
from app.services.terraform.state_history import VERSIONS_A_PAGE, StateChange
from app.views.run_view import PlanView, name_in_sentence, path
from app.web import render

router = APIRouter()


@dataclass(frozen=True)
class StateView:
    """A state with its changes in the form that the plan's macros show."""

    state: StateChange
    plan: PlanView


@router.get("/workstations/{workstation_id}/states")
async def of_workstation(
    request: Request, workstation: WorkstationDep, portal: PortalDep, session: SessionDep, below: Below = MOST_ROWS
) -> Response:
    """A workstation's states with numbers smaller than `below`, each with its changes."""
    return await _page(request, workstation, "workstations", portal, session, below)


@router.get("/admin/shared-stack/states")
async def of_shared_stack(
    request: Request, stack: SharedStackDep, portal: PortalDep, session: SessionDep, below: Below = MOST_ROWS
) -> Response:
    """The shared stack's states with numbers smaller than `below`, each with its changes."""
    return await _page(request, stack, "shared-stack", portal, session, below)


async def _page(
    request: Request, subject: Subject, section: str, portal: Portal, session: SessionDep, below: int
) -> Response:
    found = await state_history.changes(session, portal.vault, subject.id, below)
    context = {
        "section": section,
        "subject_name": name_in_sentence(subject),
        "subject_path": path(subject),
        "versions": [StateView(state, PlanView(state.changes, state.outputs, [])) for state in found],
        "older": found[-1].version.number if len(found) == VERSIONS_A_PAGE and found[-1].version.number > 1 else None,
    }
    return render(request, "stacks/states.html", context)
