"""/api/v1/workstations: list, create, read, change, destroy."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict

from app.deps import CallerDep, ContextDep, MemberDep, PortalDep, SessionDep, WorkstationDep
from app.models import Member, RunKind, Workstation, WorkstationStatus
from app.models.machine_health import Aspect, Level
from app.models.machine_report import BootStage, MountState
from app.models.run_kinds import ORDERS
from app.routers.api.office_hours import OfficeHoursAnswer
from app.routers.api.shapes import errors
from app.routers.paging import AfterId, Limit, Offset, Sort
from app.services import runs, workstations
from app.services.audit import Words
from app.services.catalog import Catalog
from app.services.people import members
from app.services.workstations import kept_disks, listing, orders, specs
from app.services.workstations.listing import Listed, Wanted
from app.services.workstations.specs import MachineSpec, WorkstationPatch, WorkstationSpec

router = APIRouter(prefix="/api/v1/workstations", tags=["workstations"], responses=errors(401, 403, 404, 409, 422))


EVERYBODY = "all"
OWNER = "The email address of a member, or `all` for everybody's: only for admins. Yours if it is left out."


class MountAnswer(BaseModel):
    """The data disk and the boot disk, as the machine sees them. Sizes are in bytes."""

    model_config = ConfigDict(from_attributes=True)

    state: MountState
    device: str | None
    file_system: str | None
    size_bytes: int | None
    free_bytes: int | None
    boot_size_bytes: int | None
    """Free space of the boot disk's file system."""
    boot_free_bytes: int | None
    at: datetime | None
    reason: str | None
    """Why it is not mounted at /home/jupyter, as a sentence."""


class MemoryAnswer(BaseModel):
    """The machine's memory. Sizes are in bytes."""

    model_config = ConfigDict(from_attributes=True)

    total_bytes: int
    available_bytes: int
    pressure: float
    """How much of the last minute all processes waited for memory, in percent."""
    kills: int
    """How many processes Linux has ended since the boot, because memory ran out."""
    killed_at: datetime | None
    killed: str | None
    """The name of the process that was ended last."""


class MachineAnswer(BaseModel):
    """What the machine reports; null if it has reported nothing."""

    model_config = ConfigDict(from_attributes=True)

    stage: BootStage | None
    """How far its startup script is, since stage_at."""
    stage_at: datetime | None
    mount: MountAnswer | None
    driver: str | None
    """The GPU driver: "none" without a GPU, "missing", "broken" (it is installed and does not work), or the driver's
    version."""
    memory: MemoryAnswer | None


class FindingAnswer(BaseModel):
    """How one thing is."""

    model_config = ConfigDict(from_attributes=True)

    check: Aspect
    level: Level
    message: str
    """A sentence for people."""


class HealthAnswer(BaseModel):
    """How a running machine is, by its reports and its SSH port."""

    model_config = ConfigDict(from_attributes=True)

    level: Level
    """The worst of the findings; "unknown" for a machine that does not run."""
    checked_at: datetime | None
    """When its report was last read."""
    findings: list[FindingAnswer]


class WorkstationAnswer(BaseModel):
    """One workstation."""

    id: str
    name: str
    status: WorkstationStatus
    run_id: str | None
    """The ID of its newest run."""
    machine_type: str
    accelerator: str | None
    zone: str
    image: str
    snapshot: str | None
    boot_disk_size_gb: int
    disk_size_gb: int
    disk_type: str
    disk_kept: bool
    spot: bool
    address: str | None
    ssh_username: str
    host_keys: dict[str, str]
    machine: MachineAnswer
    reported_at: datetime | None
    """When a worker last read the machine's report."""
    health: HealthAnswer
    google_status: str | None
    """Google's word for the machine, or ABSENT; null until it was asked."""
    google_status_since: datetime | None
    price_per_hour_usd: Decimal | None
    """Estimated as it is now, as of the catalog's date: a stopped one costs its disks and its address."""
    office_hours: OfficeHoursAnswer | None
    owner: str
    """The email address of the member whose it is."""
    running_since: datetime | None
    """Since when Google runs and bills the machine."""
    used_at: datetime | None
    """When somebody was last logged in; null if that is unknown."""
    created_at: datetime
    running_at: datetime | None
    destroyed_at: datetime | None


class ListedWorkstationAnswer(WorkstationAnswer):
    """A workstation as in a list, with its usage of the current month (UTC)."""

    hours_this_month: float
    """How long the machine ran."""
    cost_this_month_usd: Decimal | None
    """Estimated from the catalog's prices; null if one is unknown."""


class WorkstationList(BaseModel):
    """A page of workstations."""

    items: list[ListedWorkstationAnswer]
    total: int
    after: str | None
    """What the next page's `after` is; null on the last page."""


class RunStarted(BaseModel):
    """The run that does what was asked for."""

    run_id: str


def answer(workstation: Workstation, owner: Member, run_id: str | None, catalog: Catalog) -> WorkstationAnswer:
    """The row as JSON."""
    disks, is_off = specs.disks(workstation), workstation.costs_no_machine
    price = catalog.price_per_hour(
        workstation.machine_type, workstation.zone, disks, spot=workstation.spot, is_off=is_off
    )
    named = WorkstationAnswer.model_fields.keys() - {"owner"}
    fields = {name: getattr(workstation, name) for name in named if hasattr(workstation, name)}
    rounded = price.quantize(Decimal("0.0001")) if price is not None else None
    return WorkstationAnswer.model_validate(
        {**fields, "owner": owner.email, "run_id": run_id, "price_per_hour_usd": rounded}
    )


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
    items = [_listed(row, newest.get(row.workstation.id), ctx.catalog) for row in page.rows]
    return WorkstationList(items=items, total=await listing.count(ctx, wanted), after=page.after)


def _listed(row: Listed, run_id: str | None, catalog: Catalog) -> ListedWorkstationAnswer:
    cost = row.usage.cost
    return ListedWorkstationAnswer(
        **answer(row.workstation, row.workstation.owner, run_id, catalog).model_dump(),
        hours_this_month=round(row.usage.hours, 2),
        cost_this_month_usd=cost.quantize(Decimal("0.01")) if cost is not None else None,
    )


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
    return answer(workstation, workstation.owner, newest.get(workstation.id), portal.catalog)


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
async def destroy_workstation(workstation: WorkstationDep, ctx: ContextDep, keep_disk: bool = False) -> RunStarted:
    """Destroy it: with its data disk, or (`keep_disk=true`) without."""
    run = await workstations.request_destroy(ctx, workstation, keep_disk=keep_disk)
    return RunStarted(run_id=run.id)
