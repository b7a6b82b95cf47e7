"""What Google says of machines, taken over by their workstations."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from sqlalchemy import exists, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app import live
from app.infra.machines import MachineState
from app.models import MachineEvent, MachineEventKind, MachineWatch, Run, RunStatus, Workstation, WorkstationStatus
from app.models.base import short_id
from app.models.machine_watch import MACHINES
from app.models.run_states import EXECUTING
from app.models.workstation_states import AT_GOOGLE, FOLLOWS_GOOGLE
from app.services.context import Context
from app.services.workstations import running_times

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


_ENDED = AT_GOOGLE.keys() - {"RUNNING"}


@dataclass(frozen=True)
class Cause:
    """One of Google's operations: why a machine is what it is."""

    operation_id: str
    kind: MachineEventKind
    at: datetime
    by: str


@dataclass(frozen=True)
class Sighting:
    """What Google says of one machine."""

    status: str
    """Google's word, or ABSENT."""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    """When it was last stopped or suspended. Google says it of one that has been started since, too."""
    google_id: str | None = None
    """Google's number of the machine."""
    run_limit_at: datetime | None = None
    """When Google stops it by its run limit."""

    @classmethod
    def of(cls, machine: MachineState) -> Self:
        """As it is on Google's list."""
        ends = [at for at in (machine.stopped_at, machine.suspended_at) if at]
        return cls(machine.status, machine.started_at, max(ends, default=None), machine.id, machine.run_limit_at)

    @property
    def is_running(self) -> bool:
        """Whether it is switched on, and billed."""
        return self.status == "RUNNING"

    @property
    def has_ended(self) -> bool:
        """Whether it does not run, and nothing of that is about to change."""
        return self.status in _ENDED


@dataclass(frozen=True)
class KnownMachine:
    """What the portal knows of one machine."""

    workstation_id: str
    google_status: str | None
    status: WorkstationStatus
    running_since: datetime | None
    google_id: str | None
    run_limit_at: datetime | None

    def needs_look(self, seen: Sighting) -> bool:
        """Whether the row says something else than Google."""
        known, said = (
            (self.google_status, self.google_id, self.run_limit_at),
            (seen.status, seen.google_id, seen.run_limit_at),
        )
        if known != said or self._has_other_times(seen):
            return True
        says = AT_GOOGLE.get(seen.status, self.status)
        is_same = says is self.status or {says, self.status} == {WorkstationStatus.STOPPED, WorkstationStatus.PREEMPTED}
        return self.status in FOLLOWS_GOOGLE and not is_same

    def _has_other_times(self, seen: Sighting) -> bool:
        if self.running_since is None:
            return seen.is_running
        return seen.has_ended or bool(seen.is_running and seen.started_at and seen.started_at > self.running_since)


_KNOWN = ("id", "google_status", "status", "running_since", "google_id", "run_limit_at")
"""The columns of a KnownMachine, in its order."""


async def known(session: AsyncSession) -> dict[tuple[str, str], KnownMachine]:
    """Zone and name at Google → what is known of each machine that there should be."""
    columns = [getattr(Workstation, name) for name in _KNOWN]
    query = select(Workstation.zone, func.coalesce(Workstation.made_as, Workstation.name), *columns)
    rows = await session.execute(query.where(Workstation.status != WorkstationStatus.DESTROYED))
    return {(zone, f"{name}-{known[0]}"): KnownMachine(*known) for zone, name, *known in rows}


async def observe(
    ctx: Context, workstation_id: str, seen: Sighting, as_of: datetime, cause: Cause | None = None
) -> bool:
    """Google said this of a machine; returns whether it counts.

    It does not while a run works on the machine, or where one has ended since Google was asked: that knows better.
    """
    workstation = await ctx.session.get_one(Workstation, workstation_id, with_for_update=True)
    if workstation.is_destroyed or await _is_worked_on(ctx.session, workstation_id, as_of):
        return False
    await _follow_running(ctx.session, workstation, seen, as_of, cause)
    before = workstation.google_status
    is_preempted = cause is not None and cause.kind is K.PREEMPTED
    has_changed = workstation.observe(seen.status, ctx.now, is_preempted=is_preempted)
    workstation.google_id = seen.google_id
    if has_changed:
        kind = _BECAME[workstation.status]
        fits = cause if cause and cause.kind is kind else None
        if kind is K.STOPPED and workstation.has_reached_limit(fits.at if fits else seen.ended_at or ctx.now):
            kind = K.RUN_LIMIT
        await _record(ctx, workstation_id, kind, fits)
    elif before and cause and cause.kind is K.HOST_ERROR:
        await _record(ctx, workstation_id, K.HOST_ERROR, cause)
    is_news = has_changed or (before, workstation.run_limit_at) != (seen.status, seen.run_limit_at)
    workstation.run_limit_at = seen.run_limit_at
    if is_news:
        await live.signal(ctx.session, live.stack_topic(workstation_id), live.member_topic(workstation.owner_id))
    return True


async def _follow_running(
    session: AsyncSession, workstation: Workstation, seen: Sighting, as_of: datetime, cause: Cause | None
) -> None:
    """Since when it runs, or until when it has: Google's times where it says them."""
    since = workstation.running_since
    if seen.is_running:
        began = _began(workstation, seen, as_of)
        if since and began > since:
            # It was stopped and started again since it was last looked at.
            stopped_at = seen.ended_at if seen.ended_at and since < seen.ended_at < began else began
            await running_times.add(session, workstation.id, since, stopped_at)
        workstation.running_since = began
    elif seen.has_ended and since:
        last_seen = (await watch(session)).known_at or as_of
        ends = [at for at in (seen.ended_at, cause and cause.at, last_seen) if at and at > since]
        await running_times.add(session, workstation.id, since, min(ends[0], as_of) if ends else since)
        workstation.running_since = None


def _began(workstation: Workstation, seen: Sighting, as_of: datetime) -> datetime:
    since, started_at = workstation.running_since, seen.started_at
    if started_at is None or (seen.ended_at and seen.ended_at > started_at):
        # Resumed, and Google does not say when.
        return since or as_of
    # Google's clock may be ahead of this one.
    started_at = min(started_at, as_of)
    not_before = since or workstation.google_status_since if workstation.google_status in _ENDED else since
    return max(started_at, not_before) if not_before else started_at


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
    await running_times.end_deleted(session)
    row = await session.get_one(MachineWatch, MACHINES, with_for_update=True)
    if error is None:
        row.succeed(as_of)
    else:
        row.fail(error)
