"""The end date of a workstation: set, reminded of, and acted on by a worker; and machines that nobody has started for
long."""

from collections.abc import Sequence
from datetime import date, timedelta

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from app import live
from app.errors import ConflictError, InvalidError
from app.models import Action, MachineEventKind, Member, Run, RunKind, Workstation, WorkstationStatus
from app.models.lifetime import end_date_problem, end_of
from app.models.workstation_states import OFF
from app.services import audit, runs
from app.services.context import Context
from app.services.people import team_policy
from app.services.workstations import history, orders, requests
from app.services.workstations.specs import EndDate

REASON = "End date"
"""Why a run of theirs was requested."""
AWAY_AFTER = timedelta(days=7)
"""An owner who has not been seen for so long may miss the reminders."""


class EndDateSpec(BaseModel):
    """An end date, as a member wants it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    ends_on: EndDate = Field(description="The last day on which it is used.", examples=["2026-03-31"])


async def change(ctx: Context, workstation: Workstation, ends_on: date) -> None:
    """End on this day. Raises InvalidError for a day that has passed, ConflictError if the machine was or is being
    deleted."""
    if problem := end_date_problem(ends_on, ctx.now):
        raise InvalidError("Fix the errors below.", fields={"ends_on": problem})
    requests.refuse_if_going(workstation, await runs.pending(ctx.session, workstation.id))
    await _set(ctx, workstation, ends_on)


async def remove(ctx: Context, workstation: Workstation) -> None:
    """Let it have no end date. Raises ConflictError if the machine is being deleted."""
    if workstation.ends_on is not None:
        requests.refuse_if_going(workstation, await runs.pending(ctx.session, workstation.id))
        await _set(ctx, workstation, None)


async def _set(ctx: Context, workstation: Workstation, ends_on: date | None) -> None:
    before = _iso(workstation)
    workstation.set_end(ends_on, ctx.now)
    await _changed(ctx, workstation)
    action = Action.SET_END_DATE if ends_on else Action.REMOVE_END_DATE
    audit.record(ctx, action, workstation.id, workstation.name, before, _iso(workstation))


def _iso(workstation: Workstation) -> dict[str, str | None]:
    return {"ends_on": workstation.ends_on.isoformat() if workstation.ends_on else None}


async def keep(ctx: Context, workstation: Workstation) -> None:
    """Keep it although nobody has started it for long: nobody is asked again for as long as that. Raises ConflictError
    if it was or is being deleted."""
    requests.refuse_if_going(workstation, await runs.pending(ctx.session, workstation.id))
    workstation.kept_at = ctx.now
    await _changed(ctx, workstation)
    audit.record(ctx, Action.KEEP_WORKSTATION, workstation.id, workstation.name)


async def _changed(ctx: Context, workstation: Workstation) -> None:
    """Have open pages follow."""
    await live.signal(ctx.session, live.stack_topic(workstation.id), live.member_topic(workstation.owner_id))


async def dormant(ctx: Context) -> Sequence[Workstation]:
    """Machines that nobody has started for long, with their owners loaded."""
    after = (await team_policy.of_team(ctx.session)).dormant_after
    query = select(Workstation).where(Workstation.status.in_(OFF), Workstation.google_status_since <= ctx.now - after)
    found = await ctx.session.scalars(query.options(joinedload(Workstation.owner)).order_by(Workstation.id))
    return [workstation for workstation in found if workstation.is_dormant(ctx.now, after)]


async def unattended(ctx: Context) -> Sequence[Workstation]:
    """Machines that end soon, or are deleted soon, whose owner is disabled or has not been seen for long; with their
    owners loaded."""
    is_away = or_(Member.disabled_at.is_not(None), Member.last_seen_at <= ctx.now - AWAY_AFTER)
    query = select(Workstation).join(Workstation.owner).where(is_away, Workstation.ends_on.is_not(None))
    query = query.where(Workstation.status != WorkstationStatus.DESTROYED)
    found = await ctx.session.scalars(query.options(joinedload(Workstation.owner)).order_by(Workstation.ends_on))
    return [workstation for workstation in found if workstation.ends_soon(ctx.now)]


async def due(ctx: Context) -> list[str]:
    """IDs of the workstations that have to be reminded of, stopped or deleted now."""
    there = Workstation.status.not_in({WorkstationStatus.DESTROYED, WorkstationStatus.DESTROYING})
    query = select(Workstation).where(Workstation.ends_on.is_not(None), there).order_by(Workstation.id)
    return [each.id for each in await ctx.session.scalars(query) if each.is_step_due(ctx.now)]


async def act(ctx: Context, workstation_id: str) -> Run | None:
    """Do what is due about the end date, once; returns the run that was requested, None if there is none.

    While another run goes on, the machine is left to it: a worker comes back the next minute.
    """
    # In the order of a worker that finishes a run: runs before their workstation.
    pending = await runs.lock(ctx.session, workstation_id)
    workstation = await ctx.session.get_one(Workstation, workstation_id, with_for_update=True, populate_existing=True)
    if workstation.is_destroyed:
        return None
    if (reminder := workstation.due_reminder(ctx.now)) is not None:
        workstation.end_reminded = reminder
        await history.record(ctx, workstation, MachineEventKind.END_DATE_NEAR, _stops(workstation))
    # A plan that waits for a decision would otherwise keep a machine running for ever.
    if any(not run.can_approve for run in pending):
        return None
    if workstation.must_stop(ctx.now):
        return await _stop(ctx, workstation)
    return await _delete(ctx, workstation) if workstation.must_delete(ctx.now) else None


def _stops(workstation: Workstation) -> str:
    return f"Stops on {end_of(workstation.ends_on):%-d %b %Y, %H:%M} UTC." if workstation.ends_on else ""


async def _stop(ctx: Context, workstation: Workstation) -> Run | None:
    workstation.deletes_at = ctx.now + (await team_policy.of_team(ctx.session)).grace
    await ctx.session.flush()
    await _changed(ctx, workstation)
    if workstation.costs_no_machine:
        return None
    try:
        return await orders.request(ctx, workstation, RunKind.STOP, reason=REASON)
    except ConflictError as error:
        await history.record(ctx, workstation, MachineEventKind.END_DATE_SKIPPED, error.message)
        return None


async def _delete(ctx: Context, workstation: Workstation) -> Run:
    # Should the deletion fail or be canceled, it is tried again after as long.
    workstation.deletes_at = ctx.now + (await team_policy.of_team(ctx.session)).grace
    await ctx.session.flush()
    return await requests.request_destroy(ctx, workstation, keep_disk=True, reason=REASON)
