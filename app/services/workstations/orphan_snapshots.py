"""Snapshots at Google that no workstation lists, with their prices: deleted like those that are listed."""

from decimal import Decimal

from app import queue
from app.errors import NotFoundError
from app.models import Action, Snapshot, SnapshotReason, Workstation
from app.services import audit
from app.services.catalog import Catalog
from app.services.context import Context
from app.services.terraform import orphans
from app.services.terraform.orphans import OrphanSnapshot


def usd_a_month(orphan: OrphanSnapshot, catalog: Catalog) -> Decimal | None:
    """The estimated price per month; None if the price or the size is unknown."""
    size = orphan.storage_gb
    return None if size is None else catalog.snapshot_price_per_month(orphan.region, size)


async def find(ctx: Context, name: str) -> tuple[OrphanSnapshot, Workstation]:
    """One that the last search found, and whose it is. Raises NotFoundError, also for one that is nobody's here."""
    known = await orphans.read(ctx.session)
    orphan = next((each for each in known.snapshots if each.name == name), None) if known else None
    workstation = await ctx.session.get(Workstation, orphan.stack_id) if orphan and orphan.run_id else None
    if orphan is None or workstation is None:
        raise NotFoundError("snapshot")
    return orphan, workstation


async def delete(ctx: Context, name: str) -> None:
    """List it with its workstation as one that is to be deleted: a worker does so, and tries again where that fails.

    Raises NotFoundError as `find` does.
    """
    orphan, workstation = await find(ctx, name)
    snapshot = Snapshot(
        workstation_id=workstation.id,
        run_id=orphan.run_id,
        name=orphan.name,
        reason=SnapshotReason.MANUAL,
        zone=workstation.zone,
        disk_size_gb=orphan.disk_size_gb,
        storage_bytes=orphan.storage_bytes,
        taken_at=orphan.taken_at,
        delete_requested_at=ctx.now,
    )
    ctx.session.add(snapshot)
    await ctx.session.flush()
    await queue.enqueue_snapshot_deletions(ctx.session)
    before = {"workstation": workstation.name, "taken_at": orphan.taken}
    audit.record(ctx, Action.DELETE_SNAPSHOT, snapshot.id, snapshot.name, before)
