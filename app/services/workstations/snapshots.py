"""Snapshots of data disks: requested, listed with their prices, and deleted."""

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import live, queue
from app.errors import ConflictError, NotFoundError
from app.infra.zones import region_of
from app.models import Action, Run, RunKind, Snapshot, Stack, Workstation
from app.services import audit, runs
from app.services.catalog import Catalog
from app.services.context import Context
from app.services.people import team_policy
from app.services.workstations.requests import joinable, refuse_if_going


@dataclass(frozen=True)
class PricedSnapshot:
    """A snapshot with its estimated price."""

    snapshot: Snapshot
    usd_a_month: Decimal | None
    """None if the price or the size is unknown."""


async def request(ctx: Context, workstation: Workstation, *, reason: str = "") -> Run:
    """Queue a snapshot of the data disk as it is then, or join a pending one.

    :param reason: why, unless a person asks for it.
    Raises ConflictError if there is no data disk, or another run is queued.
    """
    pending = await runs.lock(ctx.session, workstation.id)
    await ctx.session.refresh(workstation)
    refuse_if_going(workstation, pending)
    if same := joinable(workstation, pending, RunKind.SNAPSHOT, {}):
        return same
    if not pending and not workstation.can_snapshot:
        raise ConflictError(f"{workstation.name} has no data disk yet.", hint="Wait until it has been created.")
    stack = await ctx.session.get_one(Stack, workstation.id)
    run = await runs.request(ctx, stack, RunKind.SNAPSHOT, {}, reason=reason)
    audit.record(ctx, Action.TAKE_SNAPSHOT, workstation.id, workstation.name, after={"run": run.id})
    return run


@dataclass(frozen=True)
class SnapshotList:
    """The snapshots of a workstation, newest first, with their estimated price."""

    priced: list[PricedSnapshot]
    are_daily: bool
    """Whether one is taken every day."""
    opened_usd_an_hour: Decimal | None
    """Of the disk of the one that is open; None if none is, or its price is unknown."""

    @property
    def usd_a_month(self) -> Decimal | None:
        """Of all of them; None if the price of one is unknown."""
        known = [each.usd_a_month for each in self.priced if each.usd_a_month is not None]
        return sum(known, Decimal()) if len(known) == len(self.priced) else None


async def list_of(ctx: Context, workstation: Workstation) -> SnapshotList:
    """A workstation's snapshots. It may have been deleted."""
    query = select(Snapshot).where(Snapshot.workstation_id == workstation.id)
    found = await ctx.session.scalars(query.order_by(Snapshot.taken_at.desc(), Snapshot.id))
    policy = await team_policy.of_team(ctx.session)
    are_daily = workstation.takes_daily_snapshots(by_default=policy.daily_snapshots)
    opened = ctx.catalog.disk_price_per_hour(workstation.zone, workstation.opened_gb, workstation.disk_type)
    return SnapshotList([priced(snapshot, ctx.catalog) for snapshot in found], are_daily, opened)


def priced(snapshot: Snapshot, catalog: Catalog) -> PricedSnapshot:
    """A snapshot with its estimated price."""
    size = snapshot.storage_gb
    price = None if size is None else catalog.snapshot_price_per_month(region_of(snapshot.zone), size)
    return PricedSnapshot(snapshot, price)


async def find(session: AsyncSession, workstation: Workstation, snapshot_id: str) -> Snapshot:
    """One of the workstation's snapshots. Raises NotFoundError."""
    snapshot = await session.get(Snapshot, snapshot_id)
    if snapshot is None or snapshot.workstation_id != workstation.id:
        raise NotFoundError("snapshot")
    return snapshot


async def delete(ctx: Context, workstation: Workstation, snapshot: Snapshot) -> None:
    """Have a worker delete a snapshot. Nothing happens if that was requested before.

    Raises ConflictError if it is open, or the data disk is being made from it.
    """
    await ctx.session.refresh(snapshot, with_for_update=True)
    if snapshot.is_being_deleted:
        return
    if workstation.has_opened(snapshot.name):
        raise ConflictError("This snapshot is open.", hint="Close it first.")
    await ctx.session.refresh(workstation)
    if workstation.disk_snapshot == snapshot.name and not workstation.is_destroyed:
        raise ConflictError("The data disk is being made from this snapshot.")
    snapshot.delete_requested_at = ctx.now
    await queue.enqueue_snapshot_deletions(ctx.session)
    await changed(ctx.session, workstation)
    before = {"workstation": workstation.name, "taken_at": snapshot.taken_at.isoformat()}
    audit.record(ctx, Action.DELETE_SNAPSHOT, snapshot.id, snapshot.name, before)


async def forget(session: AsyncSession, snapshot_id: str) -> None:
    """Google has it no more."""
    snapshot = await session.get(Snapshot, snapshot_id)
    if snapshot:
        await session.delete(snapshot)
        await changed(session, await session.get_one(Workstation, snapshot.workstation_id))


async def record_size(session: AsyncSession, snapshot_id: str, storage_bytes: int) -> None:
    """Google has measured it."""
    snapshot = await session.get(Snapshot, snapshot_id)
    if snapshot:
        snapshot.storage_bytes = storage_bytes
        await changed(session, await session.get_one(Workstation, snapshot.workstation_id))


async def changed(session: AsyncSession, workstation: Workstation) -> None:
    """Have open pages follow."""
    await live.signal(session, live.stack_topic(workstation.id), live.member_topic(workstation.owner_id))
