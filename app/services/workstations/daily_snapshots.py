"""Daily snapshots: switched on and off, requested when they are due, and thinned."""

from collections import defaultdict

from sqlalchemy import select

from app import queue
from app.errors import ConflictError
from app.models import Action, Run, Snapshot, SnapshotReason, Workstation, WorkstationStatus
from app.models.snapshot_schedule import kept
from app.services import audit, runs
from app.services.context import Context
from app.services.people import team_policy
from app.services.workstations import opened_snapshots, snapshots


async def choose(ctx: Context, workstation: Workstation, daily: bool | None) -> None:
    """Take a snapshot every day, or none; None for what the team's policy says.

    Raises ConflictError if the machine was or is being deleted.
    """
    if not workstation.can_change:
        raise ConflictError(f"{workstation.name} has been deleted, or is being deleted.")
    before, workstation.daily_snapshots = workstation.daily_snapshots, daily
    if before is not daily:
        await snapshots.changed(ctx.session, workstation)
        named = {"daily_snapshots": before}, {"daily_snapshots": daily}
        audit.record(ctx, Action.CHOOSE_DAILY_SNAPSHOTS, workstation.id, workstation.name, *named)


async def are_taken(ctx: Context, workstation: Workstation) -> bool:
    """Whether a snapshot is taken every day."""
    policy = await team_policy.of_team(ctx.session)
    return workstation.takes_daily_snapshots(by_default=policy.daily_snapshots)


async def due(ctx: Context) -> list[str]:
    """IDs of the workstations whose snapshot of the day is to be taken now."""
    policy = await team_policy.of_team(ctx.session)
    query = select(Workstation).where(Workstation.status != WorkstationStatus.DESTROYED).order_by(Workstation.id)
    if not policy.daily_snapshots:
        query = query.where(Workstation.daily_snapshots.is_(True))
    return [
        workstation.id
        for workstation in await ctx.session.scalars(query)
        if workstation.takes_daily_snapshots(by_default=policy.daily_snapshots)
        and workstation.is_daily_snapshot_due(ctx.now)
    ]


async def act(ctx: Context, workstation_id: str) -> Run | None:
    """Request the snapshot of the day, once. While another run goes on, a worker comes back the next minute."""
    # In the order of a worker that finishes a run: runs before their workstation.
    pending = await runs.lock(ctx.session, workstation_id)
    workstation = await ctx.session.get_one(Workstation, workstation_id, with_for_update=True, populate_existing=True)
    if pending or not workstation.is_daily_snapshot_due(ctx.now):
        return None
    workstation.daily_snapshot_on = ctx.now.date()
    await ctx.session.flush()
    return await snapshots.request(ctx, workstation, reason="Daily snapshot")


async def thin(ctx: Context) -> list[Snapshot]:
    """Have the daily snapshots deleted that are not to be kept; returns them. Others are left alone."""
    query = select(Snapshot).where(Snapshot.reason == SnapshotReason.DAILY, Snapshot.delete_requested_at.is_(None))
    opened = set(await ctx.session.scalars(opened_snapshots.names()))
    daily: dict[str, list[Snapshot]] = defaultdict(list)
    for snapshot in await ctx.session.scalars(query.with_for_update()):
        daily[snapshot.workstation_id].append(snapshot)
    doomed = []
    for taken in daily.values():
        keep = kept(snapshot.taken_at for snapshot in taken)
        doomed += [each for each in taken if each.taken_at not in keep and each.name not in opened]
    for snapshot in doomed:
        snapshot.delete_requested_at = ctx.now
    if doomed:
        await queue.enqueue_snapshot_deletions(ctx.session)
    return doomed
