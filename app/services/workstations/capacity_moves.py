"""Workstations that move to another zone by themselves, because Google had no capacity to start them where they are."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import ConflictError, InvalidError
from app.infra import hints
from app.infra.zones import region_of
from app.models import Member, Run, RunKind, RunStatus, Workstation, WorkstationStatus
from app.services import runs
from app.services.catalog import zone_capacities
from app.services.context import Context
from app.services.workstations import requests
from app.services.workstations.specs import WorkstationPatch

REASON = "No capacity"
"""Why a run of theirs was requested."""
MISSED_FOR = timedelta(minutes=15)
"""A start that failed longer ago is left alone."""
LOOK_BACK = 20
"""So many runs are read to find the start. A region has fewer zones."""


async def due(ctx: Context) -> list[str]:
    """IDs of the workstations that may have to move now."""
    query = select(Workstation).join(Workstation.owner).where(Workstation.moves_itself, Member.disabled_at.is_(None))
    there = {WorkstationStatus.STOPPED, WorkstationStatus.PREEMPTED, WorkstationStatus.FAILED}
    there.add(WorkstationStatus.WAITING_FOR_CAPACITY)
    found = await ctx.session.scalars(query.where(Workstation.status.in_(there)).order_by(Workstation.id))
    return [workstation.id for workstation in found if not workstation.has_ended(ctx.now)]


async def act(ctx: Context, workstation_id: str) -> Run | None:
    """Request a move to the next zone; returns its run, None if there is nothing to do."""
    # In the order of a worker that finishes a run: runs before their workstation.
    pending = await runs.lock(ctx.session, workstation_id)
    workstation = await ctx.session.get_one(Workstation, workstation_id, with_for_update=True, populate_existing=True)
    if any(not run.is_waiting for run in pending):
        return None
    attempts = await _attempts(ctx.session, workstation)
    if not attempts or workstation.was_to_stop_since(attempts[-1].created_at, ctx.now):
        return None
    # Whoever asked for a start long ago may not want the machine to run any more.
    if attempts[0].finished_at and attempts[0].finished_at < ctx.now - MISSED_FOR:
        return None
    zone = await _next_zone(ctx, workstation, attempts)
    if zone is None:
        return None
    try:
        run = await requests.request_change(ctx, workstation, WorkstationPatch(zone=zone))
    except (ConflictError, InvalidError):
        # The limits or the catalog have changed: a person decides.
        return None
    run.reason = REASON
    return run


async def _attempts(session: AsyncSession, workstation: Workstation) -> list[Run]:
    """The start that Google had no capacity for, and the moves that followed it without success, the newest first.

    Empty if the newest run is something else.
    """
    found: list[Run] = []
    made = await runs.of_stack(session, workstation.id, LOOK_BACK)
    for run in (each for each in made if not each.kind.traits.gives_way):
        if not _lacked_capacity(run):
            return []
        found.append(run)
        if run.kind is RunKind.START:
            return found
        if run.kind is not RunKind.UPDATE or run.reason != REASON:
            return []
    return []


def _lacked_capacity(run: Run) -> bool:
    if run.is_waiting or run.status is RunStatus.SUPERSEDED:
        return bool(run.tried)
    return run.status is RunStatus.ERRORED and hints.is_stock_out(run.error or "")


async def _next_zone(ctx: Context, workstation: Workstation, attempts: Sequence[Run]) -> str | None:
    """The next zone of the region that has the machine type and was not tried since the start: first those that Google
    suggests, last those that had none when somebody tried last."""
    machine = ctx.catalog.machine_type(workstation.machine_type)
    tried = [each for run in attempts for each in run.tried]
    had_none = {workstation.zone, *(each.placement.zone for each in tried)}
    suggested = {zone for each in tried for zone in each.suggested}
    seen = await zone_capacities.newest_of(ctx.session, ctx.catalog, ctx.now, workstation.placement)
    empty = {zone for zone, each in seen.items() if not each.has_any}
    left = [zone for zone in (machine.zones if machine else ()) if zone not in had_none]
    near = [zone for zone in left if region_of(zone) == region_of(workstation.zone)]
    return min(near, key=lambda zone: (zone not in suggested, zone in empty), default=None)
