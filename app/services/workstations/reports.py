"""What machines report, taken over by their workstations, with what it says for their history: boots and mounts."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from app import live
from app.errors import ConflictError, InvalidError
from app.models import MachineEvent, MachineEventKind, Workstation
from app.models.activity import Activity
from app.models.base import short_id
from app.models.machine_report import BootStage, MachineReport
from app.services.context import Context
from app.services.workstations import activities, consoles, idle_stops

K = MachineEventKind
CLOCKS_DIFFER = timedelta(minutes=5)
MOST_BOOTS_AN_HOUR = 12
"""Everybody with root access to a machine can report boots, each of which is a row and a call to Google."""


async def record(ctx: Context, workstation: Workstation, report: MachineReport) -> bool:
    """Store a report, and what has happened since the one before; returns whether it is new."""
    before = workstation.machine
    is_new = workstation.record_report(report, ctx.now)
    if workstation.activity:
        await activities.record(ctx, workstation, workstation.activity)
    await idle_stops.follow(ctx, workstation, before)
    if not report.has_booted:
        return is_new
    booted_at = report.stage_at if report.stage_at != before.stage_at or not before.has_booted else None
    has_booted = booted_at is not None and await _record_boot(ctx, workstation, report, booted_at)
    if has_booted or _mount_changes(before, report):
        _record_mount(ctx, workstation, report, booted_at if has_booted else None)
    return is_new


async def record_posted(ctx: Context, workstation: Workstation, text: str) -> None:
    """Store a record that the machine's agent posted itself, unless a newer one is known. The row is locked.

    Raises ConflictError if the machine does not run by what is known of it, InvalidError if it is no record.
    """
    if Activity.parse(text) is None:
        raise InvalidError("This is not a record of an agent.")
    if not workstation.is_running:
        raise ConflictError(f"{workstation.name} is not running.")
    if workstation.record_posted_activity(text, ctx.now) and workstation.activity:
        await activities.record(ctx, workstation, workstation.activity)
        await idle_stops.follow(ctx, workstation, workstation.machine)
        await live.signal(ctx.session, live.stack_topic(workstation.id))


async def record_no_boot(ctx: Context, workstation: Workstation, problem: str) -> None:
    """The machine did not report in time that it has booted."""
    await _add_boot(ctx, short_id(12), workstation, {"kind": K.BOOT_FAILED, "at": ctx.now, "detail": problem})


def _mount_changes(before: MachineReport, report: MachineReport) -> bool:
    """Whether the disk was mounted or unmounted since the last report."""
    return bool(before.mount and report.mount and before.mount.is_mounted is not report.mount.is_mounted)


async def _record_boot(ctx: Context, workstation: Workstation, report: MachineReport, at: datetime) -> bool:
    """Returns whether it counts as a boot."""
    if not workstation.created_at - CLOCKS_DIFFER <= at <= ctx.now + CLOCKS_DIFFER:
        return False
    lately = select(func.count()).where(
        MachineEvent.workstation_id == workstation.id,
        MachineEvent.kind.in_(consoles.BOOTS),
        MachineEvent.at > ctx.now - timedelta(hours=1),
    )
    if (await ctx.session.scalar(lately) or 0) >= MOST_BOOTS_AN_HOUR:
        return False
    failed = report.stage is BootStage.FAILED
    reason = report.trouble if failed else None
    kind = K.BOOT_FAILED if failed else K.BOOTED
    # One boot is one event, whoever reads its report.
    event_id = f"boot-{workstation.id}-{at.timestamp():.3f}"
    await _add_boot(ctx, event_id, workstation, {"kind": kind, "at": at, "detail": reason})
    return True


async def _add_boot(ctx: Context, event_id: str, workstation: Workstation, values: dict[str, object]) -> None:
    row = {"id": event_id, "workstation_id": workstation.id, **values}
    added = insert(MachineEvent).values(row).on_conflict_do_nothing().returning(MachineEvent.id)
    if await ctx.session.scalar(added):
        await consoles.request(ctx.session, workstation.id, event_id)


def _record_mount(ctx: Context, workstation: Workstation, report: MachineReport, booted_at: datetime | None) -> None:
    """:param booted_at: when the boot ended with which the disk was mounted, or was not; None if that was later."""
    mount = report.mount
    if mount is None:
        return
    # It is told again every minute, so the end of the boot may be nearer to when it was.
    told = [at for at in (mount.at, booted_at) if at and at <= ctx.now + CLOCKS_DIFFER]
    event = MachineEvent(
        id=short_id(12),
        workstation_id=workstation.id,
        kind=K.MOUNTED if mount.is_mounted else K.MOUNT_FAILED,
        at=min(told, default=ctx.now),
        detail=None if mount.is_mounted else mount.reason,
    )
    ctx.session.add(event)
