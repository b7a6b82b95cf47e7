"""The admins' list of all workstations: searched, sorted and downloaded."""

import csv
import io
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.deps import AdminDep, PortalDep, SessionDep
from app.errors import InvalidError
from app.models import BulkVerb
from app.routers.audit_files import cell
from app.routers.paging import AfterId, Sort
from app.services.audit import Words
from app.services.runs import capacity_queue
from app.services.terraform import orphans
from app.services.workstations import existing, listing
from app.services.workstations.listing import Listed, ListTotals, Wanted, WorkstationsPage
from app.views import usage_charts
from app.views.workstation_offers import offer_of
from app.web import render

router = APIRouter(prefix="/admin/workstations")
Search = Annotated[Words, Query()]
COLUMNS = (
    *("id", "name", "owner", "status", "machine_type", "zone", "data_disk_gb", "spot", "created_at", "usd_per_hour"),
    *("last_used_at", "hours_this_month", "usd_this_month"),
)
NOTHING = WorkstationsPage([], None), ListTotals(0, 0, Decimal())
ROWS_A_BATCH = 1000


@router.get("")
async def page(
    request: Request,
    portal: PortalDep,
    session: SessionDep,
    admin: AdminDep,
    q: Search = "",
    sort: Sort = "created",
    after: AfterId = "",
) -> Response:
    """The workstations of all members."""
    ctx, wanted = portal.context(session, admin), Wanted(search=q, sort=sort)
    problem, (found, counts) = "", NOTHING
    try:
        found = await listing.page(ctx, wanted, after=after, with_last_hour=True)
        counts = await listing.count_all(ctx, wanted)
    except InvalidError as error:
        problem = (error.fields or {}).get("q", "")
    listed = [row.workstation for row in found.rows]
    exists = await existing.of_incomplete(session, ctx.vault, listed)
    context = {
        "page": found,
        "counts": counts,
        "orphans": await orphans.read(session),
        "offers": [offer_of(each, ctx.catalog, exists.get(each.id)) for each in listed],
        "sparks": usage_charts.sparks([row.last_hour for row in found.rows], ctx.now),
        "search": q,
        "sort": sort,
        "sorts": list(listing.SORTS),
        "after": after,
        "problem": problem,
        "verbs": list(BulkVerb),
        "next_tries": await capacity_queue.next_tries(session, listed),
        "now": ctx.now,
    }
    return render(request, "workstations/all.html", context, status=422 if problem else 200)


@router.get(".csv")
async def download(
    portal: PortalDep, session: SessionDep, admin: AdminDep, q: Search = "", sort: Sort = "created"
) -> Response:
    """The whole list as CSV."""
    ctx, lines = portal.context(session, admin), io.StringIO()
    writer = csv.writer(lines)
    writer.writerow(COLUMNS)
    after: str | None = ""
    while after is not None:
        found = await listing.page(ctx, Wanted(search=q, sort=sort), after=after, limit=ROWS_A_BATCH)
        exists = await existing.of_incomplete(session, ctx.vault, [row.workstation for row in found.rows])
        offers = [offer_of(row.workstation, ctx.catalog, exists.get(row.workstation.id)) for row in found.rows]
        rows = zip(found.rows, offers, strict=True)
        writer.writerows([cell(value) for value in _values(row, offer.price)] for row, offer in rows)
        after = found.after
    headers = {"Content-Disposition": 'attachment; filename="workstations.csv"'}
    return Response(lines.getvalue(), media_type="text/csv", headers=headers)


def _values(row: Listed, price: Decimal | None) -> tuple[object, ...]:
    each, usage = row.workstation, row.usage
    return (
        *(each.id, each.name, each.owner.email, each.status.value, each.machine_type, each.zone),
        *(each.disk_size_gb, each.spot, each.created_at.isoformat(timespec="seconds")),
        f"{price:.4f}" if price is not None else "",
        each.used_at.isoformat(timespec="seconds") if each.used_at else "",
        f"{usage.hours:.2f}",
        f"{usage.cost:.2f}" if usage.cost is not None else "",
    )
