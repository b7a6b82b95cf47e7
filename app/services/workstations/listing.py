"""All workstations, for admins: searched, sorted, and read page by page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, false, func, or_, select, tuple_
from sqlalchemy.orm import aliased, contains_eager

from app.errors import InvalidError
from app.models import Member, Workstation, WorkstationStatus
from app.services.catalog import Catalog
from app.services.context import Context

WORKSTATIONS_A_PAGE = 50
SORTS: dict[str, Callable[[type[Workstation], type[Member]], Any]] = {
    "created": lambda workstation, owner: -func.extract("epoch", workstation.created_at),
    "name": lambda workstation, owner: workstation.name,
    "owner": lambda workstation, owner: owner.email,
    "status": lambda workstation, owner: workstation.status,
}
"""The columns by which the list can be sorted; the newest come first."""


@dataclass(frozen=True)
class WorkstationsPage:
    """Part of the list."""

    workstations: Sequence[Workstation]
    """Each with its owner."""
    after: str | None
    """The ID with which the next page begins; None if there is none."""
    total: int
    """How many match the search."""


async def page(
    ctx: Context, *, search: str = "", sort: str = "created", after: str = "", limit: int = WORKSTATIONS_A_PAGE
) -> WorkstationsPage:
    """The workstations that match, with kept disks. Raises InvalidError for a search that makes no sense.

    :param after: the ID of the workstation after which the page begins; empty for the first page.
    """
    matching = _matching(search, ctx.catalog)
    total = await ctx.session.scalar(select(func.count()).select_from(matching.subquery())) or 0
    place = SORTS[sort]
    query = matching.order_by(place(Workstation, Member), Workstation.id).limit(limit + 1)
    if after:
        other, owner = aliased(Workstation), aliased(Member)
        start = select(place(other, owner), other.id).join(owner, owner.id == other.owner_id).where(other.id == after)
        query = query.where(tuple_(place(Workstation, Member), Workstation.id) > start.scalar_subquery())
    found = list(await ctx.session.scalars(query.options(contains_eager(Workstation.owner))))
    rows = found[:limit]
    return WorkstationsPage(rows, rows[-1].id if len(found) > limit else None, total)


def _matching(search: str, catalog: Catalog) -> Select[Workstation]:
    is_listed = or_(Workstation.status != WorkstationStatus.DESTROYED, Workstation.disk_kept)
    query = select(Workstation).join(Member, Member.id == Workstation.owner_id).where(is_listed)
    return query.where(*(_term(word, catalog) for word in search.split()))


def _term(word: str, catalog: Catalog) -> ColumnElement[bool]:
    key, colon, value = word.partition(":")
    if not colon:
        return Workstation.name.icontains(key, autoescape=True)
    match key:
        case "owner":
            return or_(*(column.icontains(value, autoescape=True) for column in (Member.email, Member.name)))
        case "status":
            return _status(value)
        case "gpu":
            return _gpu(value, catalog)
        case "type":
            return Workstation.machine_type.icontains(value, autoescape=True)
        case "zone":
            return Workstation.zone.icontains(value, autoescape=True)
    raise InvalidError(
        "Fix the errors below.", fields={"q": f"There is no {key}: to search by. Use owner, status, gpu, type or zone."}
    )


def _status(value: str) -> ColumnElement[bool]:
    if value not in set(WorkstationStatus):
        known = ", ".join(status for status in WorkstationStatus)
        raise InvalidError("Fix the errors below.", fields={"q": f"There is no status {value}. There are {known}."})
    return Workstation.status == WorkstationStatus(value)


def _gpu(value: str, catalog: Catalog) -> ColumnElement[bool]:
    """A part of the GPU's name, such as l4; or none."""
    offers = catalog.machine_types
    if value == "none":
        names = [offer.name for offer in offers if not offer.gpu]
    else:
        names = [offer.name for offer in offers if offer.gpu and value.lower() in offer.gpu.lower()]
    return Workstation.machine_type.in_(names) if names else false()
