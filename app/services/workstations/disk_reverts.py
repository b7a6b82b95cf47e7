"""Data disks that are reverted: replaced by one made from a snapshot of it."""

from app.errors import ConflictError
from app.models import Action, Run, RunKind, Snapshot, Stack, Workstation
from app.services import audit, runs
from app.services.context import Context
from app.services.workstations.requests import joinable, refuse_if_going


async def request(ctx: Context, workstation: Workstation, snapshot: Snapshot) -> Run:
    """Queue it, or join a pending one. Its plan waits for an approval, which says what is lost.

    Raises ConflictError if there is no data disk, another run is queued, or the snapshot is being deleted.
    """
    pending = await runs.lock(ctx.session, workstation.id)
    await ctx.session.refresh(workstation)
    await ctx.session.refresh(snapshot)
    refuse_if_going(workstation, pending)
    if snapshot.is_being_deleted:
        raise ConflictError("This snapshot is being deleted.")
    source = {runs.SNAPSHOT_INPUT: snapshot.name}
    if same := joinable(workstation, pending, RunKind.REVERT, source):
        return same
    if not pending and not workstation.can_snapshot:
        raise ConflictError(f"{workstation.name} has no data disk.")
    stack = await ctx.session.get_one(Stack, workstation.id)
    reason = f"Revert to the snapshot of {snapshot.taken_at:%-d %b %Y, %H:%M} UTC"
    run = await runs.request(ctx, stack, RunKind.REVERT, source, reason=reason)
    audit.record(
        ctx, Action.REVERT_DISK, workstation.id, workstation.name, after={"snapshot": snapshot.name, "run": run.id}
    )
    return run
