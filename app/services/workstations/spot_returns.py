"""Preempted workstations that are started again by themselves."""

from sqlalchemy import exists, select

from app.errors import ConflictError
from app.models import Member, Run, RunKind, Workstation, WorkstationStatus
from app.services import runs
from app.services.context import Context
from app.services.people import team_policy
from app.services.workstations import orders

REASON = "Preempted"
"""Why a run of theirs was requested."""
WAIT_HOURS = 24
"""For how long the start waits for capacity at least: where Google preempts, it rarely has any."""


async def due(ctx: Context) -> list[str]:
    """IDs of the workstations that have to be started now."""
    is_default = (await team_policy.of_team(ctx.session)).restart_preempted
    query = select(Workstation).join(Workstation.owner)
    preempted = (Workstation.status == WorkstationStatus.PREEMPTED, Workstation.spot, Member.disabled_at.is_(None))
    found = await ctx.session.scalars(query.where(*preempted).order_by(Workstation.id))
    wished = [each for each in found if each.returns(by_default=is_default)]
    return [each.id for each in wished if not each.kept_off_by(ctx.now, has_disabled_owner=False)]


async def are_wished(ctx: Context, workstation: Workstation) -> bool:
    """Whether it is started again after a preemption, as its owner or the team's policy says."""
    return workstation.returns(by_default=(await team_policy.of_team(ctx.session)).restart_preempted)


async def act(ctx: Context, workstation_id: str) -> Run | None:
    """Request the start, once for each preemption; returns its run, None if there is nothing to do."""
    # In the order of a worker that finishes a run: runs before their workstation.
    pending = await runs.lock(ctx.session, workstation_id)
    workstation = await ctx.session.get_one(Workstation, workstation_id, with_for_update=True, populate_existing=True)
    if pending or not workstation.is_preempted or await _was_started(ctx, workstation):
        return None
    try:
        run = await orders.request(ctx, workstation, RunKind.START, reason=REASON)
    except ConflictError:
        # A person was faster; whatever they asked for counts.
        return None
    run.wait_hours = max(run.wait_hours, WAIT_HOURS)
    return run


async def _was_started(ctx: Context, workstation: Workstation) -> bool:
    """Whether somebody has asked for a start since; if that failed or was canceled, it is left alone."""
    since = (Run.stack_id == workstation.id, Run.kind == RunKind.START, Run.created_at >= workstation.preempted_at)
    return bool(await ctx.session.scalar(select(exists().where(*since))))
