"""What Google says of machines, taken over by their workstations."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app import live
from app.models import MachineEvent, MachineEventKind, MachineWatch, Run, RunStatus, Workstation, WorkstationStatus
from app.models.base import short_id
from app.models.machine_watch import MACHINES
from app.models.run_states import EXECUTING
from app.models.workstation_states import AT_GOOGLE, FOLLOWS_GOOGLE
from app.services.context import Context

K = MachineEventKind
_BECAME = {
    WorkstationStatus.RUNNING: K.STARTED,
    WorkstationStatus.STOPPED: K.STOPPED,
    WorkstationStatus.SUSPENDED: K.SUSPENDED,
    WorkstationStatus.PREEMPTED: K.PREEMPTED,
    WorkstationStatus.MISSING: K.DELETED,
}
OPERATIONS = {
    "compute.instances.preempted": K.PREEMPTED,
    "compute.instances.hostError": K.HOST_ERROR,
    "delete": K.DELETED,
    "start": K.STARTED,
    "stop": K.STOPPED,
    "suspend": K.SUSPENDED,
    "resume": K.STARTED,
}
"""Google's operation → what it makes of a machine."""


@dataclass(frozen=True)
class Cause:
    """One of Google's operations: why a machine is what it is."""

    operation_id: str
    kind: MachineEventKind
    at: datetime
    by: str


@dataclass(frozen=True)
class Known:
    """What the portal knows of one machine."""

    workstation_id: str
    google_status: str | None
    status: WorkstationStatus

    def needs_look(self, google_status: str) -> bool:
        """Whether the row says something else than Google."""
        if self.google_status != google_status:
            return True
        says = AT_GOOGLE.get(google_status, self.status)
        is_same = says is self.status or {says, self.status} == {WorkstationStatus.STOPPED, WorkstationStatus.PREEMPTED}
        return self.status in FOLLOWS_GOOGLE and not is_same


async def known(session: AsyncSession) -> dict[tuple[str, str], Known]:
    """Zone and name at Google → what is known of each machine that there should be."""
    query = select(
        Workstation.id, Workstation.name, Workstation.zone, Workstation.google_status, Workstation.status
    ).where(Workstation.status != WorkstationStatus.DESTROYED)
    return {
        (zone, f"{name}-{id_}"): Known(id_, google_status, status)
        for id_, name, zone, google_status, status in await session.execute(query)
    }


async def observe(
    ctx: Context, workstation_id: str, google_status: str, as_of: datetime, cause: Cause | None = None
) -> bool:
    """Google said this of a machine; returns whether it counts.

    It does not while a run works on the machine, or where one has ended since Google was asked: that knows better.
    """
    workstation = await ctx.session.get_one(Workstation, workstation_id, with_for_update=True)
    if workstation.is_destroyed or await _is_worked_on(ctx.session, workstation_id, as_of):
        return False
    before = workstation.google_status
    is_preempted = cause is not None and cause.kind is K.PREEMPTED
    has_changed = workstation.observe(google_status, ctx.now, is_preempted=is_preempted)
    if has_changed:
        kind = _BECAME[workstation.status]
        fits = cause if cause and cause.kind is kind else None
        await _record(ctx, workstation_id, kind, fits)
    elif before and cause and cause.kind is K.HOST_ERROR:
        await _record(ctx, workstation_id, K.HOST_ERROR, cause)
    if has_changed or before != google_status:
        await live.signal(ctx.session, live.stack_topic(workstation_id), live.member_topic(workstation.owner_id))
    return True


async def _record(ctx: Context, workstation_id: str, kind: MachineEventKind, cause: Cause | None) -> None:
    event = {
        # One operation is one event, whoever sees it first, and again.
        "id": cause.operation_id if cause else short_id(12),
        "workstation_id": workstation_id,
        "kind": kind,
        "at": cause.at if cause else ctx.now,
        "by": cause.by or None if cause else None,
    }
    await ctx.session.execute(insert(MachineEvent).values(event).on_conflict_do_nothing())


async def _is_worked_on(session: AsyncSession, workstation_id: str, since: datetime) -> bool:
    busy = EXECUTING - {RunStatus.AWAITING_APPROVAL}
    runs = exists().where(Run.stack_id == workstation_id, or_(Run.status.in_(busy), Run.finished_at >= since))
    return bool(await session.scalar(select(runs)))


async def events_of(session: AsyncSession, workstation_id: str, limit: int = 50) -> list[MachineEvent]:
    """What became of its machine outside the portal, the newest first."""
    query = select(MachineEvent).where(MachineEvent.workstation_id == workstation_id)
    return list(await session.scalars(query.order_by(MachineEvent.at.desc(), MachineEvent.id).limit(limit)))


async def watch(session: AsyncSession) -> MachineWatch:
    """How far all this is known."""
    return await session.get(MachineWatch, MACHINES) or MachineWatch(id=MACHINES)


async def lead(ctx: Context, worker_id: str) -> bool:
    """Take or renew the lease on the watch; returns whether this worker has it."""
    lease = {"worker_id": worker_id, "lease_until": ctx.now + MachineWatch.LEASE}
    is_free = or_(
        MachineWatch.worker_id == worker_id, MachineWatch.lease_until.is_(None), MachineWatch.lease_until < ctx.now
    )
    upsert = insert(MachineWatch).values(id=MACHINES, **lease)
    taken = upsert.on_conflict_do_update(index_elements=["id"], set_=lease, where=is_free).returning(MachineWatch.id)
    return await ctx.session.scalar(taken) is not None


async def record_answer(session: AsyncSession, as_of: datetime, error: str | None = None) -> None:
    """Google has answered for all machines, or why it has not."""
    row = await session.get_one(MachineWatch, MACHINES, with_for_update=True)
    if error is None:
        row.succeed(as_of)
    else:
        row.fail(error)
