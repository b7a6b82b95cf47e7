"""The admins' page that hands a machine or a kept disk over to another member."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from app.deps import AdminDep, ContextDep, WorkstationDep
from app.errors import ConflictError, InvalidError, StationmasterError
from app.models import Workstation
from app.services.offboarding import handovers
from app.web import redirect, render

router = APIRouter(prefix="/workstations/{workstation_id}/hand-over")


@router.get("")
async def hand_over_page(request: Request, workstation: WorkstationDep, _: AdminDep) -> Response:
    """The form, which says what becomes of the machine."""
    return _page(request, workstation, {"owner": "", "name": workstation.name})


@router.post("")
async def hand_over(
    request: Request,
    workstation: WorkstationDep,
    ctx: ContextDep,
    _: AdminDep,
    owner: Annotated[str, Form()] = "",
    name: Annotated[str, Form()] = "",
) -> Response:
    """Hand it over. What does not fit is said at its field."""
    try:
        await handovers.hand_over(ctx, workstation, await handovers.new_owner(ctx, owner), name.strip())
    except (InvalidError, ConflictError) as error:
        return _page(request, workstation, {"owner": owner, "name": name}, error)
    return redirect(f"/workstations/{workstation.id}")


def _page(
    request: Request, workstation: Workstation, typed: dict[str, str], error: StationmasterError | None = None
) -> Response:
    context = {"workstation": workstation, "typed": typed, "error": error}
    return render(request, "workstations/hand_over.html", context, status=error.status if error else 200)
