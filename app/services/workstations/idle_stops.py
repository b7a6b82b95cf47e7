"""The idle stop of a workstation: chosen, called off for a time, and acted on by a worker, with its evidence."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from app import live
from app.errors import ConflictError, InvalidError
from app.models import Action, MachineEventKind, Run, RunKind, Workstation, WorkstationStatus
from app.models.activity import Minute
from app.models.idle_stop import WARNINGS, IdleLimits, uses
from app.models.machine_report import MachineReport
from app.services import audit, runs
from app.services.context import Context
from app.services.people import team_policy
from app.services.people.team_policy import TeamPolicy
from app.services.workstations import activities, history, orders, requests

KEEP_HOURS = (4, 24)
"""For how many hours a machine is kept running with one click."""
_SIGNALED_FOR = timedelta(minutes=2)


class IdleStopSpec(BaseModel):
    """After how long a workstation is stopped that is idle, as its owner wants it."""

    model_config = ConfigDict(extra="forbid")

    minutes: int | None = Field(
        None, ge=0, description="Idle minutes, within the team's bounds; 0 for never, null for the team's default."
    )


class KeepSpec(BaseModel):
    """For how long a workstation is to go on running."""

    model_config = ConfigDict(extra="forbid")

    hours: int = Field(ge=1, le=168, description="Hours from now, a week at most.", examples=[4])


@dataclass(frozen=True)
class IdleStop:
    """How the idle stop of one workstation stands, for pages and the API."""

    after: timedelta | None
    """The idle time that counts; None: it is never stopped."""
    choice: int | None
    policy: TeamPolicy
    uses: list[str]
    """What it is used for, by the newest record."""
    idle_since: datetime | None
    stops_at: datetime | None
    """When it is stopped if it stays idle."""
    warns_of: datetime | None
    """The same, if it is so soon that its users are warned."""
    kept_until: datetime | None
    keep_hours: tuple[int, ...] = KEEP_HOURS

    @property
    def is_adjusted(self) -> bool:
        """Whether the team's bounds count instead of the owner's choice."""
        return self.choice is not None and self.after != (timedelta(minutes=self.choice) if self.choice else None)


async def of(ctx: Context, workstation: Workstation) -> IdleStop:
    """How it stands now."""
    policy = await team_policy.of_team(ctx.session)
    after, activity = policy.idle_after(workstation.idle_choice), workstation.activity
    is_known = activity is not None and activity.is_current(ctx.now)
    return IdleStop(
        after=after,
        choice=workstation.idle_choice,
        policy=policy,
        uses=uses(activity, _limits(ctx, workstation, policy)) if activity and is_known else ["Nothing is reported"],
        idle_since=workstation.idle_start(ctx.now),
        stops_at=workstation.idle_stop_at(ctx.now, after),
        warns_of=workstation.warns_of_idle_stop(ctx.now, after),
        kept_until=workstation.keep_until if workstation.is_kept(ctx.now) else None,
    )


def _limits(ctx: Context, workstation: Workstation, policy: TeamPolicy) -> IdleLimits:
    offer = ctx.catalog.machine_type(workstation.machine_type)
    # What the catalog no longer has may have a GPU.
    has_gpu = workstation.accelerator is not None or offer is None or bool(offer.gpu)
    return IdleLimits(policy.idle_gpu_percent, policy.idle_cpu_percent, has_gpu)


async def change(ctx: Context, workstation: Workstation, minutes: int | None) -> None:
    """Choose after how many idle minutes it is stopped. Raises InvalidError outside the team's bounds, ConflictError if
    the machine was or is being deleted."""
    policy = await team_policy.of_team(ctx.session)
    if problem := _problem(minutes, policy):
        raise InvalidError("Fix the errors below.", fields={"minutes": problem})
    requests.refuse_if_going(workstation, await runs.pending(ctx.session, workstation.id))
    before, workstation.idle_choice = workstation.idle_choice, minutes
    workstation.idle_warned_at = None
    await _changed(ctx, workstation)
    if before != minutes:
        values = ({"minutes": before}, {"minutes": minutes})
        audit.record(ctx, Action.SET_IDLE_STOP, workstation.id, workstation.name, *values)


def _problem(minutes: int | None, policy: TeamPolicy) -> str | None:
    if minutes is None or policy.idle_least <= minutes <= policy.idle_most:
        return None
    bounds = f"Enter a whole number from {policy.idle_least} to {policy.idle_most}"
    if minutes == 0:
        return f"{bounds}: the team's policy does not allow never." if policy.idle_required else None
    return f"{bounds}." if policy.idle_required else f"{bounds}, or 0 for never."


async def keep(ctx: Context, workstation: Workstation, hours: int) -> None:
    """Let it go on running for so long from now. Raises ConflictError if it was or is being deleted."""
    requests.refuse_if_going(workstation, await runs.pending(ctx.session, workstation.id))
    if workstation.keep_running(ctx.now + timedelta(hours=hours), ctx.now):
        await _changed(ctx, workstation)
        audit.record(ctx, Action.KEEP_RUNNING, workstation.id, workstation.name, after=_until(workstation))


async def stop_keeping(ctx: Context, workstation: Workstation) -> None:
    """Let it be stopped again. Nothing happens if it is not kept."""
    if workstation.is_kept(ctx.now):
        before, workstation.keep_until = _until(workstation), None
        await _changed(ctx, workstation)
        audit.record(ctx, Action.STOP_KEEPING_RUNNING, workstation.id, workstation.name, before)


def _until(workstation: Workstation) -> dict[str, str | None]:
    return {"until": workstation.keep_until.isoformat(timespec="seconds") if workstation.keep_until else None}


async def _changed(ctx: Context, workstation: Workstation) -> None:
    """Have open pages follow."""
    await live.signal(ctx.session, live.stack_topic(workstation.id), live.member_topic(workstation.owner_id))


async def follow(ctx: Context, workstation: Workstation, before: MachineReport) -> None:
    """Take a report into account that was just read: what it says of the machine's use, and a new `keep`.

    :param before: the report before it.
    """
    policy = await team_policy.of_team(ctx.session)
    workstation.follow_use(workstation.activity, _limits(ctx, workstation, policy), ctx.now)
    until = workstation.machine.keep_until
    if until and until != before.keep_until:
        await keep_typed(ctx, workstation, until)


async def keep_typed(ctx: Context, workstation: Workstation, until: datetime) -> None:
    """Somebody who works on the machine has typed `keep`. A shorter time than before changes nothing."""
    if workstation.keep_running(until, ctx.now):
        detail = f"By keep, typed on the machine, until {workstation.keep_until:%-d %b %Y, %H:%M} UTC."
        await history.record(ctx, workstation, MachineEventKind.KEPT, detail)


async def due(ctx: Context) -> list[str]:
    """IDs of the workstations whose users have to be warned now, or that have to be stopped. Open pages follow."""
    policy = await team_policy.of_team(ctx.session)
    query = select(Workstation).where(
        Workstation.status == WorkstationStatus.RUNNING, Workstation.idle_since.is_not(None)
    )
    found = []
    for workstation in await ctx.session.scalars(query.order_by(Workstation.id)):
        at = workstation.warns_of_idle_stop(ctx.now, policy.idle_after(workstation.idle_choice))
        if at and (workstation.idle_warned_at is None or at <= ctx.now):
            found.append(workstation.id)
        elif at and WARNINGS[1] - _SIGNALED_FOR < at - ctx.now <= WARNINGS[1]:
            await _changed(ctx, workstation)
    return found


async def act(ctx: Context, workstation_id: str) -> Run | None:
    """Warn of the stop, or request it, once; returns its run. While another run goes on, nothing happens."""
    # In the order of a worker that finishes a run: runs before their workstation.
    pending = await runs.lock(ctx.session, workstation_id)
    workstation = await ctx.session.get_one(Workstation, workstation_id, with_for_update=True, populate_existing=True)
    policy = await team_policy.of_team(ctx.session)
    after = policy.idle_after(workstation.idle_choice)
    if workstation.must_stop_idle(ctx.now, after) and not pending:
        return await _stop(ctx, workstation, policy)
    if workstation.idle_warned_at is None and workstation.warns_of_idle_stop(ctx.now, after):
        workstation.idle_warned_at = ctx.now
        await _changed(ctx, workstation)
    return None


async def _stop(ctx: Context, workstation: Workstation, policy: TeamPolicy) -> Run | None:
    start = workstation.idle_start(ctx.now)
    if start is None:
        return None
    known = await activities.minutes(ctx.session, workstation.id, start, ctx.now)
    reason = evidence(known, start, ctx.now, has_gpu=_limits(ctx, workstation, policy).has_gpu)
    # A stop that fails is not repeated before the machine has been idle for as long again.
    workstation.forget_idleness()
    await ctx.session.flush()
    try:
        return await orders.request(ctx, workstation, RunKind.STOP, reason=reason)
    except ConflictError:
        # It is no machine to stop any more; what it has become is on its page.
        return None


def evidence(minutes: Iterable[Minute], start: datetime, end: datetime, *, has_gpu: bool) -> str:
    """What the machine did while it was idle, as a sentence for its history."""
    known = list(minutes)

    def most(measure: str) -> float:
        return max((getattr(each, measure) or 0 for each in known), default=0)

    gpu = [f"GPU at most {most('gpu'):.0f} %"] if has_gpu else []
    facts = [
        *gpu,
        f"CPU at most {most('cpu'):.0f} %",
        f"network at most {max(most('received'), most('sent')) / 1000:.0f} kB/s",
        "no key pressed, no job in tmux, screen or Jupyter",
        f"measured in {len(known)} of {round((end - start) / timedelta(minutes=1))} minutes",
    ]
    return f"Idle since {start:%-d %b, %H:%M} UTC: {', '.join(facts)}"
