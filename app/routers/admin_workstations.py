"""The admins' list of all workstations: searched, sorted, downloaded, and acted on."""

import csv
import io
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Request, Response

from app.deps import AdminDep, ContextDep, IdPath
from app.errors import InvalidError
from app.routers.audit_files import cell
from app.services.audit import Words
from app.services.context import Context
from app.services.workstations import bulk, listing
from app.services.workstations.bulk import BulkAction
from app.services.workstations.listing import WorkstationsPage
from app.views.workstation_offers import offer_of
from app.web import render

router = APIRouter(prefix="/admin/workstations")
Search = Annotated[Words, Query()]
Sort = Annotated[Literal["created", "name", "owner", "status"], Query()]
AfterId = Annotated[str, Query(max_length=20, pattern="^[a-z0-9]*$")]
COLUMNS = (
    *("id", "name", "owner", "status", "machine_type", "zone"),
    *("data_disk_gb", "spot", "created_at", "usd_per_hour"),
)


@router.get("")
async def page(
    request: Request, ctx: ContextDep, _: AdminDep, q: Search = "", sort: Sort = "created", after: AfterId = ""
) -> Response:
    """The workstations of all members."""
    problem, found = "", WorkstationsPage([], None, 0)
    try:
        found = await listing.page(ctx, search=q, sort=sort, after=after)
    except InvalidError as error:
        problem = (error.fields or {}).get("q", "")
    context = {
        "page": found,
        "offers": [offer_of(workstation, ctx.catalog) for workstation in found.workstations],
        "search": q,
        "sort": sort,
        "sorts": list(listing.SORTS),
        "after": after,
        "problem": problem,
        "actions": list(BulkAction),
    }
    return render(request, "workstations/all.html", context, status=422 if problem else 200)


@router.get(".csv")
async def download(ctx: ContextDep, _: AdminDep, q: Search = "", sort: Sort = "created") -> Response:
    """The whole list as CSV."""
    lines = io.StringIO()
    writer = csv.writer(lines)
    writer.writerow(COLUMNS)
    after: str | None = ""
    while after is not None:
        found = await listing.page(ctx, search=q, sort=sort, after=after, limit=1000)
        writer.writerows(_row(ctx, found))
        after = found.after
    headers = {"Content-Disposition": 'attachment; filename="workstations.csv"'}
    return Response(lines.getvalue(), media_type="text/csv", headers=headers)


def _row(ctx: Context, found: WorkstationsPage) -> list[list[str]]:
    rows = []
    for each in found.workstations:
        price = offer_of(each, ctx.catalog).price
        values = (each.id, each.name, each.owner.email, each.status.value, each.machine_type, each.zone)
        rest = (each.disk_size_gb, each.spot, each.created_at.isoformat(timespec="seconds"))
        rows.append([cell(value) for value in (*values, *rest, f"{price:.4f}" if price is not None else "")])
    return rows


@router.post("/actions")
async def act(
    request: Request,
    ctx: ContextDep,
    _: AdminDep,
    action: Annotated[BulkAction, Form()],
    workstation_id: Annotated[list[IdPath], Form(max_length=bulk.MOST)],
) -> Response:
    """Do the same with each of the selected workstations, and show what became of each."""
    outcomes = await bulk.act(ctx, action, workstation_id)
    return render(request, "workstations/outcomes.html", {"action": action, "outcomes": outcomes})
