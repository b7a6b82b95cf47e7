"""One action on many workstations, each by itself: what one refuses, the others do.

A request only writes down what is to be done. A worker does it, one workstation a transaction, so that a worker that
is lost leaves nothing half done, and another one goes on where it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, insert, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from app import live, origin, queue
from app.errors import ConflictError, NotFoundError, StationmasterError
from app.models import BulkAction, BulkItem, BulkVerb, Member, Run, RunKind, RunStatus, Workstation
from app.models.base import short_id
from app.models.run_states import FINAL, SUCCESS
from app.services.context import Context
from app.services.workstations import listing, orders
from app.services.workstations.listing import Wanted
from app.services.workstations.queries import find
from app.services.workstations.requests import request_destroy

MOST = 1000
"""So many can be selected one by one; a search may find any number."""
ITEMS_A_PAGE = 100
ABANDONED_AFTER = timedelta(seconds=30)
"""A worker does several a second."""
DID_NOT_SUCCEED = FINAL - SUCCESS


@dataclass(frozen=True)
class Summary:
    """What has become of a bulk action's workstations, in numbers."""

    total: int
    waiting: int
    """Not requested yet."""
    refused: int
    runs: dict[RunStatus, int]
    """By the status that their runs have now."""

    @property
    def is_busy(self) -> bool:
        """Whether something of it is still to come."""
        return self.waiting > 0 or any(status not in FINAL for status in self.runs)

    @property
    def succeeded(self) -> int:
        """Those whose runs have ended well."""
        return sum(number for status, number in self.runs.items() if status in SUCCESS)

    @property
    def under_way(self) -> int:
        """Those with a run that has not ended."""
        return sum(number for status, number in self.runs.items() if status not in FINAL)

    @property
    def failed(self) -> int:
        """Those whose runs have ended without success."""
        return sum(number for status, number in self.runs.items() if status in DID_NOT_SUCCEED)


@dataclass(frozen=True)
class ItemsPage:
    """Part of its workstations, in order."""

    items: Sequence[BulkItem]
    """Each with its workstation, the owner, and the run."""
    after: int | None
    """The position of its last item, if others follow."""


async def request(ctx: Context, verb: BulkVerb, workstation_ids: Sequence[str]) -> BulkAction:
    """Request it for each of these workstations. Raises NotFoundError if one does not exist."""
    ids = list(dict.fromkeys(workstation_ids))
    known = await ctx.session.scalar(select(func.count()).where(Workstation.id.in_(ids)))
    if known != len(ids):
        raise NotFoundError("workstation")
    action = await _make(ctx, verb, None)
    items = [
        {"bulk_action_id": action.id, "position": position, "workstation_id": id_}
        for position, id_ in enumerate(ids, start=1)
    ]
    await ctx.session.execute(insert(BulkItem), items)
    return action


async def request_all(ctx: Context, verb: BulkVerb, search: str, confirmed: int) -> BulkAction:
    """Request it for all machines that match.

    Raises InvalidError for a search that makes no sense, ConflictError if there are not as many as were confirmed.
    """
    found = listing.machines(Wanted(search=search), ctx.catalog).subquery()
    async with ctx.session.begin_nested():
        action = await _make(ctx, verb, search)
        rows = select(literal(action.id), func.row_number().over(), found.c.id)
        columns = [BulkItem.bulk_action_id, BulkItem.position, BulkItem.workstation_id]
        inserted = await ctx.session.execute(insert(BulkItem).from_select(columns, rows).returning(BulkItem.position))
        number = len(inserted.all())
        if number != confirmed or not number:
            raise ConflictError(f"{number} workstations match now, not {confirmed}.", hint="Confirm the new number.")
    return action


async def _make(ctx: Context, verb: BulkVerb, search: str | None) -> BulkAction:
    here = origin.current()
    action = BulkAction(
        id=short_id(10),
        verb=verb,
        search=search,
        requested_by=ctx.member.id,
        created_at=ctx.now,
        origin=here.place,
        request_id=here.request_id,
    )
    ctx.session.add(action)
    await ctx.session.flush()
    await queue.enqueue_bulk_action(ctx.session, action.id)
    return action


async def request_next(ctx: Context, action_id: str) -> bool:
    """Make or refuse the request for the next workstation that waits; returns whether there was one.

    The caller's transaction has one workstation. Several workers may do so at once.
    """
    waits = select(BulkItem).where(BulkItem.bulk_action_id == action_id, BulkItem.done_at.is_(None))
    item = await ctx.session.scalar(waits.order_by(BulkItem.position).limit(1).with_for_update(skip_locked=True))
    if item is None:
        return False
    action = await ctx.session.get_one(BulkAction, action_id)
    by = await ctx.session.get_one(Member, action.requested_by)
    try:
        async with ctx.session.begin_nested():
            with origin.bound(action.origin, action.request_id):
                item.run_id = (await _request(ctx.acting(by), action.verb, item.workstation_id)).id
                await ctx.session.flush()
    except StationmasterError as error:
        item.problem = str(error)
    item.done_at = ctx.now
    await live.signal(ctx.session, live.bulk_topic(action_id))
    return True


async def _request(ctx: Context, verb: BulkVerb, workstation_id: str) -> Run:
    if not (ctx.member.is_admin and ctx.member.may_sign_in(ctx.settings)):
        raise ConflictError(f"{ctx.member.email} is no longer an admin.")
    workstation = await find(ctx.session, ctx.member, workstation_id)
    if verb is not BulkVerb.DELETE:
        return await orders.request(ctx, workstation, RunKind(verb))
    if workstation.is_destroyed:
        raise ConflictError(f"{workstation.name} has already been deleted.")
    return await request_destroy(ctx, workstation, keep_disk=True)


async def abandoned(session: AsyncSession, now: datetime) -> list[str]:
    """The IDs of those with workstations that wait although nobody goes on with them, the oldest first."""
    lately = now - ABANDONED_AFTER
    waits = select(BulkItem.bulk_action_id).where(BulkItem.done_at.is_(None))
    goes_on = select(BulkItem.bulk_action_id).where(BulkItem.done_at > lately)
    query = select(BulkAction.id).where(BulkAction.created_at <= lately, BulkAction.id.in_(waits))
    query = query.where(BulkAction.id.not_in(goes_on)).order_by(BulkAction.created_at, BulkAction.id)
    return list(await session.scalars(query))


async def read(session: AsyncSession, action_id: str) -> BulkAction:
    """One, with its requester. Raises NotFoundError."""
    action = await session.get(BulkAction, action_id, options=[joinedload(BulkAction.requester)])
    if action is None:
        raise NotFoundError("action")
    return action


async def summary(session: AsyncSession, action_id: str) -> Summary:
    """What has become of it so far."""
    groups = (BulkItem.done_at.is_(None), BulkItem.problem.is_not(None), Run.status)
    query = select(*groups, func.count()).outerjoin(Run, Run.id == BulkItem.run_id)
    rows = list(await session.execute(query.where(BulkItem.bulk_action_id == action_id).group_by(*groups)))
    return Summary(
        total=sum(row[3] for row in rows),
        waiting=sum(row[3] for row in rows if row[0]),
        refused=sum(row[3] for row in rows if row[1]),
        runs={status: number for _, _, status, number in rows if status},
    )


async def items(
    session: AsyncSession, action_id: str, *, after: int = 0, limit: int = ITEMS_A_PAGE, without_success: bool = False
) -> ItemsPage:
    """A page of its workstations.

    :param without_success: only those that were refused, or whose run ended without success.
    """
    query = select(BulkItem).outerjoin(Run, Run.id == BulkItem.run_id)
    query = query.where(BulkItem.bulk_action_id == action_id, BulkItem.position > after)
    if without_success:
        query = query.where(or_(BulkItem.problem.is_not(None), Run.status.in_(DID_NOT_SUCCEED)))
    loaded = (joinedload(BulkItem.workstation).joinedload(Workstation.owner), joinedload(BulkItem.run))
    found = list(await session.scalars(query.options(*loaded).order_by(BulkItem.position).limit(limit + 1)))
    return ItemsPage(found[:limit], found[limit - 1].position if len(found) > limit else None)
