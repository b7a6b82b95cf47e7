"""/api/v1/workstations: list, create, read, change, destroy."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel

from app.deps import CallerDep, ContextDep, MemberDep, PortalDep, SessionDep, WorkstationDep
from app.models import Member, RunKind, WorkstationStatus
from app.models.run_kinds import ORDERS
from app.routers.api.shapes import errors
from app.routers.api.workstation_answers import ListedWorkstationAnswer, WorkstationAnswer, answer, listed_answer
from app.routers.paging import AfterId, Limit, Offset, Sort
from app.services import runs, workstations
from app.services.audit import Words
from app.services.people import members
from app.services.workstations import existing, kept_disks, listing, orders
from app.services.workstations.kept_disks import MachineSpec
from app.services.workstations.listing import Wanted
from app.services.workstations.specs import WorkstationPatch, WorkstationSpec

router = APIRouter(prefix="/api/v1/workstations", tags=["workstations"], responses=errors(401, 403, 404, 409, 422))


EVERYBODY = "all"
OWNER = "The email address of a member, or `all` for everybody's: only for admins. Yours if it is left out."


class WorkstationList(BaseModel):
    """A page of workstations."""

    items: list[ListedWorkstationAnswer]
    total: int
    after: str | None
    """What the next page's `after` is; null on the last page."""


class RunStarted(BaseModel):
    """The run that does what was asked for."""

    run_id: str


async def get_wanted(
    session: SessionDep,
    caller: CallerDep,
    owner: Annotated[Words, Query(description=OWNER)] = "",
    q: Annotated[Words, Query(description="The same search as on the page, such as `gpu:l4 status:stopped`.")] = "",
    sort: Sort = "created",
    status: WorkstationStatus | None = None,
    name: str | None = None,
) -> Wanted:
    """Which workstations a list is to have. Those of others are for admins."""
    if owner in {"", caller.member.email}:
        whose: Member | None = caller.member
    else:
        caller.as_admin()
        whose = None if owner == EVERYBODY else await members.named(session, owner)
    return Wanted(search=q, sort=sort, owner=whose, status=status, name=name)


@router.get("")
async def list_workstations(
    portal: PortalDep,
    session: SessionDep,
    member: MemberDep,
    wanted: Annotated[Wanted, Depends(get_wanted)],
    limit: Limit = 50,
    offset: Offset = 0,
    after: AfterId = "",
) -> WorkstationList:
    """Your workstations, or those of others for admins. Deleted ones are listed while their disk is kept."""
    ctx = portal.context(session, member)
    page = await listing.page(ctx, wanted, after=after, offset=offset, limit=limit)
    newest = await runs.newest_ids(ctx.session, [row.workstation.id for row in page.rows])
    exists = await existing.of_incomplete(session, ctx.vault, [row.workstation for row in page.rows])
    items = [
        listed_answer(row, newest.get(row.workstation.id), ctx.catalog, exists.get(row.workstation.id))
        for row in page.rows
    ]
    return WorkstationList(items=items, total=await listing.count(ctx, wanted), after=page.after)


@router.post(
    "",
    status_code=201,
    responses={200: {"description": "The same request is under way already.", "model": WorkstationAnswer}},
)
async def create_workstation(spec: WorkstationSpec, response: Response, ctx: ContextDep) -> WorkstationAnswer:
    """Ask for a workstation. An identical request joins the one under way, and is answered with 200."""
    requested = await workstations.request(ctx, ctx.member, spec)
    response.status_code = 201 if requested.is_new else 200
    return answer(requested.workstation, ctx.member, requested.run.id, ctx.catalog)


@router.get("/{workstation_id}")
async def read_workstation(workstation: WorkstationDep, portal: PortalDep, session: SessionDep) -> WorkstationAnswer:
    """One workstation."""
    newest = await runs.newest_ids(session, [workstation.id])
    exists = await existing.of_incomplete(session, portal.vault, [workstation])
    run_id = newest.get(workstation.id)
    return answer(workstation, workstation.owner, run_id, portal.catalog, exists.get(workstation.id))


@router.patch("/{workstation_id}", status_code=202)
async def change_workstation(workstation: WorkstationDep, change: WorkstationPatch, ctx: ContextDep) -> RunStarted:
    """Change a workstation, in addition to pending changes. `{}` plans the same settings again, which corrects
    drift."""
    run = await workstations.request_change(ctx, workstation, change)
    return RunStarted(run_id=run.id)


@router.post("/{workstation_id}/machine", status_code=202)
async def create_from_kept_disk(workstation: WorkstationDep, spec: MachineSpec, ctx: ContextDep) -> RunStarted:
    """Create a new machine from the kept disk of a deleted workstation."""
    run = await kept_disks.request_machine(ctx, workstation, spec)
    return RunStarted(run_id=run.id)


def _add_order(order: RunKind) -> None:
    """One path for each order: start, stop, restart."""

    async def give(workstation: WorkstationDep, ctx: ContextDep) -> RunStarted:
        run = await orders.request(ctx, workstation, order)
        return RunStarted(run_id=run.id)

    what = {RunKind.RESTART: "Hard reset: running processes stop immediately, and it boots."}
    router.add_api_route(
        f"/{{workstation_id}}/{order}",
        give,
        methods=["POST"],
        status_code=202,
        name=f"{order}_workstation",
        summary=f"{order.traits.label} it",
        description=what.get(order, "Its disks, its external IP and its host keys stay the same."),
    )


for _order in ORDERS:
    _add_order(_order)


@router.delete("/{workstation_id}", status_code=202)
async def destroy_workstation(
    workstation: WorkstationDep, ctx: ContextDep, keep_disk: bool = False, at_once: bool = False
) -> RunStarted:
    """Destroy it: with its data disk, or (`keep_disk=true`) without.

    A deleted disk rests as a snapshot for as long as the team's policy says, unless it is deleted `at_once`.
    """
    run = await workstations.request_destroy(ctx, workstation, keep_disk=keep_disk, at_once=at_once)
    return RunStarted(run_id=run.id)
