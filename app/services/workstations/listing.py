"""Lists of workstations: searched, sorted, and read page by page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, extract, false, func, or_, select, true, tuple_
from sqlalchemy.orm import aliased, contains_eager

from app.errors import InvalidError
from app.models import Member, RunningTime, Workstation, WorkstationStatus
from app.models.machine_health import Level
from app.services.catalog import HOURS_A_MONTH, Catalog
from app.services.context import Context
from app.services.workstations import activities, running_times, specs
from app.services.workstations.activities import LastHour
from app.services.workstations.usage import Usage

WORKSTATIONS_A_PAGE = 50


@dataclass(frozen=True)
class _Row:
    """The tables that a row of the list is read from."""

    workstation: type[Workstation]
    owner: type[Member]
    time: type[RunningTime]
    now: datetime

    @property
    def seconds(self) -> ColumnElement[float]:
        return running_times.seconds(self.workstation, self.time, self.now)


SORTS: dict[str, Callable[[_Row], Any]] = {
    "created": lambda row: -extract("epoch", row.workstation.created_at),
    "name": lambda row: row.workstation.name,
    "owner": lambda row: row.owner.email,
    "status": lambda row: row.workstation.status,
    "type": lambda row: row.workstation.machine_type,
    "zone": lambda row: row.workstation.zone,
    "hours": lambda row: -row.seconds,
    "used": lambda row: -func.coalesce(extract("epoch", row.workstation.used_at), 0),
}
"""The columns by which the list can be sorted: the newest, the longest and the last used come first."""


@dataclass(frozen=True)
class Wanted:
    """Which workstations, in which order."""

    search: str = ""
    sort: str = "created"
    owner: Member | None = None
    """Only theirs; None for everybody's."""
    status: WorkstationStatus | None = None
    name: str | None = None
    """The whole name."""


@dataclass(frozen=True)
class Listed:
    """A workstation, with its owner loaded, and how much it was used."""

    workstation: Workstation
    usage: Usage
    last_hour: LastHour | None = None
    """GPU and CPU, where they are asked for."""


@dataclass(frozen=True)
class WorkstationsPage:
    """Part of the list."""

    rows: Sequence[Listed]
    after: str | None
    """The ID with which the next page begins; None if there is none."""


@dataclass(frozen=True)
class ListTotals:
    """What there is, apart from the page that is shown."""

    found: int
    """How many workstations match the search."""
    kept_disks: int
    """Of all members, whatever is searched for."""
    kept_disks_price: Decimal | None
    """US dollars a month for all of them; None if a price is unknown."""


async def page(
    ctx: Context,
    wanted: Wanted,
    *,
    after: str = "",
    offset: int = 0,
    limit: int = WORKSTATIONS_A_PAGE,
    with_last_hour: bool = False,
) -> WorkstationsPage:
    """The workstations that match, with kept disks. Raises InvalidError for a search that makes no sense.

    :param after: the ID of the workstation after which the page begins; empty for the first page.
    """
    # Thousands of rows are sorted by what is sorted by alone; the others are read for those of the page.
    row = _Row(Workstation, Member, RunningTime, ctx.now)
    places = _places(row, wanted.sort).where(*_conditions(wanted, ctx.catalog))
    if after:
        other = _Row(aliased(Workstation), aliased(Member), aliased(RunningTime), ctx.now)
        start = _places(other, wanted.sort).where(other.workstation.id == after).scalar_subquery()
        places = places.where(tuple_(SORTS[wanted.sort](row), Workstation.id) > start)
    here = places.order_by(*places.selected_columns).offset(offset).limit(limit + 1).subquery()
    query = select(Workstation, row.seconds).join(here, here.c.id == Workstation.id).order_by(*here.c)
    query = query.join(Workstation.owner).outerjoin(RunningTime, running_times.is_of(Workstation, RunningTime, ctx.now))
    if with_last_hour:
        query = activities.of_last_hour(query, ctx.now)
    found = list(await ctx.session.execute(query.options(contains_eager(Workstation.owner))))
    rows = [_listed(ctx, *row) for row in found[:limit]]
    return WorkstationsPage(rows, rows[-1].workstation.id if len(found) > limit else None)


def _listed(ctx: Context, workstation: Workstation, seconds: float, *columns: list[float | None] | None) -> Listed:
    last_hour = activities.read_last_hour(columns, ctx.now) if columns else None
    return Listed(workstation, Usage.of(workstation, seconds, ctx.catalog, ctx.now), last_hour)


def _places(row: _Row, sort: str) -> Select[Any, str]:
    query = select(SORTS[sort](row).label("place"), row.workstation.id).select_from(row.workstation)
    if sort == "owner":
        return query.join(row.owner, row.owner.id == row.workstation.owner_id)
    if sort == "hours":
        return query.outerjoin(row.time, running_times.is_of(row.workstation, row.time, row.now))
    return query


async def count(ctx: Context, wanted: Wanted) -> int:
    """How many match, with kept disks. Raises InvalidError for a search that makes no sense."""
    query = select(func.count()).select_from(Workstation)
    return await ctx.session.scalar(query.where(*_conditions(wanted, ctx.catalog))) or 0


async def count_all(ctx: Context, wanted: Wanted) -> ListTotals:
    """How many match, and what else there is, in one query. Raises InvalidError like `count`."""
    is_kept = and_(Workstation.status == WorkstationStatus.DESTROYED, Workstation.disk_kept)
    matches = and_(true(), *_conditions(wanted, ctx.catalog))
    disk = (Workstation.zone, Workstation.disk_type)
    sums = (
        func.count().filter(matches),
        func.count().filter(is_kept),
        func.coalesce(func.sum(Workstation.disk_size_gb).filter(is_kept), 0),
    )
    query = select(*disk, *sums).where(_IS_LISTED).group_by(*disk)
    rows = list(await ctx.session.execute(query))
    prices = [ctx.catalog.disk_price_per_hour(zone, gb, type_) for zone, type_, _, _, gb in rows if gb]
    known = [price * HOURS_A_MONTH for price in prices if price is not None]
    price = sum(known, Decimal()) if len(known) == len(prices) else None
    return ListTotals(sum(row[2] for row in rows), sum(row[3] for row in rows), price)


_IS_LISTED = or_(Workstation.status != WorkstationStatus.DESTROYED, Workstation.disk_kept)


async def count_machines(ctx: Context, wanted: Wanted) -> int:
    """How many match and were not deleted. Raises InvalidError for a search that makes no sense."""
    found = machines(wanted, ctx.catalog).subquery()
    return await ctx.session.scalar(select(func.count()).select_from(found)) or 0


def machines(wanted: Wanted, catalog: Catalog) -> Select[Any]:
    """The IDs of those that match and were not deleted, in the list's order. Raises InvalidError like `page`."""
    is_machine = Workstation.status != WorkstationStatus.DESTROYED
    query = select(Workstation.id).join(Member, Member.id == Workstation.owner_id)
    return query.where(is_machine, *_conditions(wanted, catalog)).order_by(Member.email, Workstation.name)


def _conditions(wanted: Wanted, catalog: Catalog) -> list[ColumnElement[bool]]:
    conditions = [_IS_LISTED, *(_term(word, catalog) for word in wanted.search.split())]
    if wanted.owner:
        conditions.append(Workstation.owner_id == wanted.owner.id)
    if wanted.status:
        conditions.append(Workstation.status == wanted.status)
    if wanted.name is not None:
        # No workstation has an invalid name. Postgres would refuse a NUL, for example.
        conditions.append(Workstation.name == wanted.name if specs.NAME.fullmatch(wanted.name) else false())
    return conditions


def _term(word: str, catalog: Catalog) -> ColumnElement[bool]:
    key, colon, value = word.partition(":")
    if not colon:
        return Workstation.name.icontains(key, autoescape=True)
    match key:
        case "owner":
            names = or_(*(column.icontains(value, autoescape=True) for column in (Member.email, Member.name)))
            return Workstation.owner_id.in_(select(Member.id).where(names))
        case "status":
            return _status(value)
        case "health":
            return _health(value)
        case "gpu":
            return _gpu(value, catalog)
        case "type":
            return Workstation.machine_type.icontains(value, autoescape=True)
        case "zone":
            return Workstation.zone.icontains(value, autoescape=True)
    raise InvalidError(
        "Fix the errors below.",
        fields={"q": f"There is no {key}: to search by. Use owner, status, health, gpu, type or zone."},
    )


def _status(value: str) -> ColumnElement[bool]:
    if value not in set(WorkstationStatus):
        known = ", ".join(status for status in WorkstationStatus)
        raise InvalidError("Fix the errors below.", fields={"q": f"There is no status {value}. There are {known}."})
    return Workstation.status == WorkstationStatus(value)


def _health(value: str) -> ColumnElement[bool]:
    """Of running machines: of others it is not known."""
    if value not in set(Level):
        raise InvalidError(
            "Fix the errors below.", fields={"q": f"There is no health {value}. There are {', '.join(Level)}."}
        )
    return and_(Workstation.status == WorkstationStatus.RUNNING, Workstation.health_level == Level(value))


def _gpu(value: str, catalog: Catalog) -> ColumnElement[bool]:
    """A part of the GPU's name, such as l4; or none."""
    offers = catalog.machine_types
    if value == "none":
        names = [offer.name for offer in offers if not offer.gpu]
    else:
        names = [offer.name for offer in offers if offer.gpu and value.lower() in offer.gpu.lower()]
    return Workstation.machine_type.in_(names) if names else false()
