"""Snapshots that are opened: mounted read-only on their machine, until they are closed or a day has passed."""

from sqlalchemy import Select, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.errors import ConflictError
from app.models import Action, Run, RunKind, RunStatus, Snapshot, Stack, Workstation, WorkstationStatus
from app.models.opened_snapshot import CLOSE_AGAIN_AFTER
from app.services import audit, runs
from app.services.context import Context
from app.services.workstations.requests import joinable, refuse_if_going

CLOSES_ITSELF = "Open for 24 hours"
CLOSES_AFTER_ALL = "Requested before another change"
"""Why the portal closes one."""


async def request(ctx: Context, workstation: Workstation, snapshot: Snapshot) -> Run:
    """Queue the opening of a snapshot, in place of one that is open; or join a pending one.

    Raises ConflictError if the machine does not run, another run is queued, or the snapshot is being deleted.
    """
    pending = await runs.lock(ctx.session, workstation.id)
    await ctx.session.refresh(workstation)
    await ctx.session.refresh(snapshot)
    refuse_if_going(workstation, pending)
    if snapshot.is_being_deleted:
        raise ConflictError("This snapshot is being deleted.")
    if not workstation.is_running:
        raise ConflictError(f"{workstation.name} is not running.", hint="Start it first.")
    opened = {
        "name": snapshot.name,
        "date": snapshot.date,
        "size_gb": snapshot.disk_size_gb,
        "disk_type": workstation.disk_type,
    }
    run = await _request(ctx, workstation, pending, RunKind.OPEN, opened)
    audit.record(ctx, Action.OPEN_SNAPSHOT, snapshot.id, snapshot.name, after={"run": run.id})
    return run


async def close(ctx: Context, workstation: Workstation, *, reason: str = "") -> Run:
    """Queue the closing of the snapshot that is open, or join a pending one.

    :param reason: why, unless a person asks for it.
    Raises ConflictError if none is open, or another run is queued.
    """
    pending = await runs.lock(ctx.session, workstation.id)
    await ctx.session.refresh(workstation)
    refuse_if_going(workstation, pending)
    if workstation.opened_snapshot is None:
        raise ConflictError(f"No snapshot of {workstation.name} is open.")
    name = workstation.opened_snapshot["name"]
    run = await _request(ctx, workstation, pending, RunKind.CLOSE, None, reason)
    audit.record(ctx, Action.CLOSE_SNAPSHOT, workstation.id, name, after={"run": run.id})
    return run


async def _request(
    ctx: Context, workstation: Workstation, pending: list[Run], kind: RunKind, opened: object, reason: str = ""
) -> Run:
    inputs = {runs.OPENED_INPUT: opened}
    if same := joinable(workstation, pending, kind, inputs):
        return same
    stack = await ctx.session.get_one(Stack, workstation.id)
    return await runs.request(ctx, stack, kind, inputs, reason=reason)


def names() -> Select[str]:
    """The names of the snapshots that are open."""
    return select(Workstation.opened_snapshot["name"].astext).where(Workstation.opened_snapshot.is_not(None))


async def bind(session: AsyncSession, run: Run) -> None:
    """Set the snapshot that is open in a run that is being claimed, unless the run itself opens or closes one."""
    workstation = await session.get(Workstation, run.stack_id)
    traits = run.kind.traits
    if workstation is None or not traits.uses_terraform or run.kind is RunKind.DESTROY:
        return
    if traits.only_sets is None or runs.OPENED_INPUT not in traits.only_sets:
        run.inputs = {**run.inputs, runs.OPENED_INPUT: workstation.opened_snapshot}


async def due(ctx: Context) -> list[str]:
    """IDs of the workstations whose snapshot has been open for long enough, or was to be closed before a change took
    the place of that."""
    is_due = or_(Workstation.opened_until <= ctx.now, Workstation.id.in_(_superseded_closes()))
    query = select(Workstation).where(Workstation.opened_until.is_not(None), is_due).order_by(Workstation.id)
    there = query.where(Workstation.status.not_in({WorkstationStatus.DESTROYED, WorkstationStatus.DESTROYING}))
    return [workstation.id for workstation in await ctx.session.scalars(there)]


async def act(ctx: Context, workstation_id: str) -> Run | None:
    """Close it. While another run goes on, a worker comes back the next minute."""
    # In the order of a worker that finishes a run: runs before their workstation.
    pending = await runs.lock(ctx.session, workstation_id)
    workstation = await ctx.session.get_one(Workstation, workstation_id, with_for_update=True, populate_existing=True)
    is_old = workstation.must_close(ctx.now)
    if pending or not (is_old or await ctx.session.scalar(_superseded_closes(workstation.id))):
        return None
    if is_old:
        workstation.opened_until = ctx.now + CLOSE_AGAIN_AFTER
        await ctx.session.flush()
    return await close(ctx, workstation, reason=CLOSES_ITSELF if is_old else CLOSES_AFTER_ALL)


def _superseded_closes(stack_id: str | None = None) -> Select[str]:
    """IDs of the stacks of which the newest run that opens or closes a snapshot is a close that was superseded."""
    newer = aliased(Run)
    kinds = (RunKind.OPEN, RunKind.CLOSE)
    is_newest = ~exists().where(
        newer.stack_id == Run.stack_id, newer.kind.in_(kinds), newer.created_at > Run.created_at
    )
    query = select(Run.stack_id).where(Run.kind == RunKind.CLOSE, Run.status == RunStatus.SUPERSEDED, is_newest)
    return query if stack_id is None else query.where(Run.stack_id == stack_id)
