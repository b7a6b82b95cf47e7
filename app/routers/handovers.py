"""The admins' page that hands a machine or a kept disk over to another member."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from app.deps import AdminDep, ContextDep, WorkstationDep
from app.notices import Done
from app.sent_forms import shown_on
from app.services.offboarding import handovers
from app.web import redirect, render

PAGE = "/workstations/{workstation_id}/hand-over"
router = APIRouter(prefix=PAGE, dependencies=[shown_on(PAGE)])


@router.get("")
async def hand_over_page(request: Request, workstation: WorkstationDep, _: AdminDep) -> Response:
    """The form, which says what becomes of the machine."""
    return render(request, "workstations/hand_over.html", {"workstation": workstation})


@router.post("")
async def hand_over(
    workstation: WorkstationDep,
    ctx: ContextDep,
    _: AdminDep,
    owner: Annotated[str, Form()] = "",
    name: Annotated[str, Form()] = "",
) -> Response:
    """Hand it over."""
    await handovers.hand_over(ctx, workstation, await handovers.new_owner(ctx, owner), name.strip())
    return redirect(f"/workstations/{workstation.id}", Done.HANDED_OVER)
