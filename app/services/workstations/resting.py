"""Deleted data disks that rest as snapshots, and snapshots that expire."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import select

from app import queue
from app.infra.zones import region_of
from app.models import Member, Snapshot, SnapshotReason, Workstation, WorkstationStatus
from app.services.context import Context
from app.services.people import team_policy
from app.services.workstations import opened_snapshots, snapshots
from app.services.workstations.snapshots import PricedSnapshot


@dataclass(frozen=True)
class Rest:
    """What follows if a workstation's data disk is deleted now."""

    until: datetime
    most_usd_a_month: Decimal | None
    """Its estimated price if the disk is full; None if unknown."""


@dataclass(frozen=True)
class DeletedDisk:
    """A deleted data disk that rests as a snapshot."""

    workstation: Workstation
    priced: PricedSnapshot


async def offer_of(ctx: Context, workstation: Workstation) -> Rest | None:
    """How a data disk rests if it is deleted now; None if the team's policy says that disks do not."""
    days = (await team_policy.of_team(ctx.session)).rest_days
    size = Decimal(workstation.disk_size_gb)
    price = ctx.catalog.snapshot_price_per_month(region_of(workstation.zone), size)
    return Rest(ctx.now + timedelta(days=days), price) if days else None


async def of_member(ctx: Context, member: Member) -> list[DeletedDisk]:
    """A member's deleted disks that rest, the one deleted last first."""
    query = select(Workstation, Snapshot).join(Snapshot, Snapshot.workstation_id == Workstation.id)
    theirs = query.where(Workstation.owner_id == member.id, Snapshot.reason == SnapshotReason.DELETED)
    # A deletion that failed after its snapshot has left the disk.
    gone = theirs.where(Workstation.status == WorkstationStatus.DESTROYED, Workstation.disk_kept.is_(False))
    found = await ctx.session.execute(gone.order_by(Snapshot.taken_at.desc(), Snapshot.id))
    return [DeletedDisk(workstation, snapshots.priced(snapshot, ctx.catalog)) for workstation, snapshot in found]


async def expire(ctx: Context) -> Sequence[Snapshot]:
    """Have the snapshots deleted that have expired; returns them. One that a disk is still to be made from, or
    that is open, waits."""
    sources = select(Workstation.disk_snapshot).where(
        Workstation.disk_snapshot.is_not(None), Workstation.status != WorkstationStatus.DESTROYED
    )
    query = select(Snapshot).where(Snapshot.expires_at <= ctx.now, Snapshot.delete_requested_at.is_(None))
    unused = query.where(Snapshot.name.not_in(sources), Snapshot.name.not_in(opened_snapshots.names()))
    expired = (await ctx.session.scalars(unused.with_for_update())).all()
    for snapshot in expired:
        snapshot.delete_requested_at = ctx.now
        await snapshots.changed(ctx.session, await ctx.session.get_one(Workstation, snapshot.workstation_id))
    if expired:
        await queue.enqueue_snapshot_deletions(ctx.session)
    return expired
