"""What data disks are made from: nothing, or a snapshot."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import InvalidError
from app.models import Member, Run, RunKind, Snapshot, Workstation
from app.services import runs
from app.services.context import Context
from app.services.terraform import state_resources, state_versions
from app.services.workstations.specs import WorkstationSpec


def name_of(workstation: Workstation, run_id: str) -> str:
    """The name at Google of the snapshot that a run takes. A run takes at most one."""
    return f"{workstation.resource_name}-{run_id}"


async def of_spec(ctx: Context, spec: WorkstationSpec) -> str | None:
    """The name of the snapshot that a new workstation's disk is made from; None for an empty disk.

    Raises InvalidError if the actor has no such snapshot, or the disk would be too small for it.
    """
    if spec.disk_snapshot is None:
        return None
    snapshot = await _find(ctx, spec.disk_snapshot)
    if snapshot is None:
        raise InvalidError("Fix the errors below.", fields={"disk_snapshot": "You have no such snapshot."})
    if spec.disk_size_gb < snapshot.disk_size_gb:
        sentence = f"The snapshot is of a disk with {snapshot.disk_size_gb} GB. Enter that or more."
        raise InvalidError("Fix the errors below.", fields={"disk_size_gb": sentence})
    return snapshot.name


async def choices(ctx: Context, owner: Member) -> list[tuple[Snapshot, str]]:
    """The snapshots that a member's new disk can be made from, newest first, each with its workstation's name."""
    query = select(Snapshot, Workstation.name).join(Workstation, Workstation.id == Snapshot.workstation_id)
    usable = query.where(Workstation.owner_id == owner.id, Snapshot.delete_requested_at.is_(None))
    return [(snapshot, name) for snapshot, name in await ctx.session.execute(usable.order_by(Snapshot.taken_at.desc()))]


async def _find(ctx: Context, snapshot_id: str) -> Snapshot | None:
    # Others than identifiers could not be in the database.
    found = await ctx.session.get(Snapshot, snapshot_id) if snapshot_id.isascii() and snapshot_id.isalnum() else None
    if found is None or found.is_being_deleted:
        return None
    source = await ctx.session.get_one(Workstation, found.workstation_id)
    may_use = ctx.actor is not None and (ctx.actor.is_admin or ctx.actor.id == source.owner_id)
    return found if may_use else None


async def bind(ctx: Context, run: Run) -> None:
    """Set the snapshot in a change that is being claimed: a disk that moves is made from the one that the run takes."""
    workstation = await ctx.session.get(Workstation, run.stack_id)
    if workstation is None or run.kind is not RunKind.UPDATE:
        return
    source = workstation.disk_snapshot
    # Without a disk, an earlier attempt to move it has taken the snapshot and not made the disk.
    if moves(run, workstation) and await _has_disk(ctx, run.stack_id):
        source = name_of(workstation, run.id)
    run.inputs = {**run.inputs, runs.SNAPSHOT_INPUT: source}


async def _has_disk(ctx: Context, stack_id: str) -> bool:
    state = await state_versions.newest(ctx.session, ctx.vault, stack_id)
    return state is not None and state_resources.data_disk(state) is not None


def moves(run: Run, workstation: Workstation) -> bool:
    """Whether a run moves the workstation to another zone."""
    return bool(run.changes.get("zone", workstation.zone) != workstation.zone)


async def keep_source(session: AsyncSession, workstation_id: str, name: str) -> None:
    """Whatever becomes of the run that moves the disk, one that has to be made anew is made from this snapshot."""
    workstation = await session.get_one(Workstation, workstation_id, with_for_update=True)
    workstation.disk_snapshot = name
