"""Office hours of a workstation: set, skipped, turned off, and acted on by a worker."""

import re
from datetime import timedelta
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.config import JsonDict
from sqlalchemy import select

from app import live
from app.errors import ConflictError
from app.models import Action, MachineEventKind, Member, Run, RunKind, Workstation, WorkstationStatus
from app.models.office_hours import DAYS, WARNED_FOR, Day, Moment
from app.services import audit, runs
from app.services.context import Context
from app.services.workstations import history, orders

REASON = "Office hours"
"""Why a run of theirs was requested."""
# Neither the names of the host's own files, nor Etc/GMT+5, which is what people call GMT-5.
TIME_ZONES = ("UTC", *sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/")))
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_CLOCK_IN_JSON: JsonDict = {"pattern": f"^({_CLOCK.pattern})$"}
_SIGNALED_FOR = timedelta(minutes=2)


def _is_clock(text: str) -> str:
    if not _CLOCK.fullmatch(text):
        raise ValueError("Enter a time from 00:00 to 23:59, such as 19:00.")
    return text


def _is_time_zone(name: str) -> str:
    if name not in TIME_ZONES:
        raise ValueError("Choose a time zone, such as Europe/Berlin.")
    return name


def _are_days(days: list[Day]) -> list[Day]:
    if not days:
        raise ValueError("Choose at least one day.")
    return [day for day in DAYS if day in days]


Clock = Annotated[str, AfterValidator(_is_clock)]


class OfficeHoursSpec(BaseModel):
    """Office hours, as a member wants them."""

    model_config = ConfigDict(extra="forbid")

    start: Clock | None = Field(
        None,
        description="When it starts. Without it, it only stops.",
        examples=["09:00"],
        json_schema_extra=_CLOCK_IN_JSON,
    )
    stop: Clock | None = Field(
        None,
        description="When it stops; on the next day if that is not after the start. Without it, it only starts.",
        examples=["19:00"],
        json_schema_extra=_CLOCK_IN_JSON,
        validate_default=True,
    )
    days: Annotated[list[Day], AfterValidator(_are_days)] = Field(
        description="The days of the week.", json_schema_extra={"minItems": 1}
    )
    time_zone: Annotated[str, AfterValidator(_is_time_zone)] = Field(
        description="An IANA time zone. Times follow its daylight saving.", examples=["Europe/Berlin"]
    )

    @field_validator("stop")
    @classmethod
    def _differs_from_the_start(cls, stop: str | None, info: ValidationInfo) -> str | None:
        start = info.data.get("start", "")
        if stop is None and start is None:
            raise ValueError("Enter a start, a stop, or both.")
        if stop and stop == start:
            raise ValueError("Choose a time other than the start.")
        return stop


async def change(ctx: Context, workstation: Workstation, spec: OfficeHoursSpec) -> None:
    """Keep these office hours from now on. Raises ConflictError if the machine was or is being deleted."""
    if not workstation.can_change:
        raise ConflictError(f"{workstation.name} has been deleted, or is being deleted.")
    before = {"office_hours": workstation.office_hours}
    workstation.set_hours(spec.model_dump(mode="json"), ctx.now)
    await _changed(ctx, workstation)
    after = {"office_hours": workstation.office_hours}
    audit.record(ctx, Action.SET_OFFICE_HOURS, workstation.id, workstation.name, before, after)


async def end(ctx: Context, workstation: Workstation) -> None:
    """Turn them off. Nothing happens if there are none."""
    if workstation.office_hours is None:
        return
    before = {"office_hours": workstation.office_hours}
    workstation.set_hours(None, ctx.now)
    await _changed(ctx, workstation)
    audit.record(ctx, Action.END_OFFICE_HOURS, workstation.id, workstation.name, before)


async def skip(ctx: Context, workstation: Workstation) -> None:
    """Let their next day, or the rest of the current one, pass. Raises ConflictError if there are none."""
    day = workstation.next_day(ctx.now)
    if day is None:
        raise ConflictError(f"{workstation.name} has no office hours.")
    # A second click does not skip another day.
    if workstation.office_hours_skip != day:
        workstation.office_hours_skip = day
        await _changed(ctx, workstation)
        after = {"day": day.isoformat()}
        audit.record(ctx, Action.SKIP_OFFICE_HOURS, workstation.id, workstation.name, after=after)


async def resume(ctx: Context, workstation: Workstation) -> None:
    """Skip no day. Nothing happens if none was skipped."""
    if workstation.office_hours_skip is not None:
        before = {"day": workstation.office_hours_skip.isoformat()}
        workstation.office_hours_skip = None
        await _changed(ctx, workstation)
        audit.record(ctx, Action.RESUME_OFFICE_HOURS, workstation.id, workstation.name, before)


async def _changed(ctx: Context, workstation: Workstation) -> None:
    """Have open pages follow."""
    await live.signal(ctx.session, live.stack_topic(workstation.id), live.member_topic(workstation.owner_id))


async def due(ctx: Context) -> list[str]:
    """IDs of the workstations that have to be started or stopped now. Open pages get their warnings."""
    query = select(Workstation).where(
        Workstation.office_hours.is_not(None), Workstation.status != WorkstationStatus.DESTROYED
    )
    found = list(await ctx.session.scalars(query.order_by(Workstation.id)))
    for workstation in found:
        stop = workstation.stops_soon(ctx.now)
        if stop and stop.at - ctx.now > WARNED_FOR - _SIGNALED_FOR:
            await _changed(ctx, workstation)
    return [workstation.id for workstation in found if workstation.due_moment(ctx.now)]


async def act(ctx: Context, workstation_id: str) -> Run | None:
    """Request the order of the moment that is due, once; returns its run, None if there is nothing to do."""
    # In the order of a worker that finishes a run: runs before their workstation.
    pending = await runs.lock(ctx.session, workstation_id)
    workstation = await ctx.session.get_one(Workstation, workstation_id, with_for_update=True)
    moment = workstation.due_moment(ctx.now)
    if moment is None:
        return None
    workstation.office_hours_until = moment.at
    await ctx.session.flush()
    if workstation.is_skipped(moment, ctx.now):
        return None
    order = _order(workstation, moment)
    if order is None and not pending:
        return None
    obstacle = "A run is in progress." if pending else await _obstacle(ctx, workstation, moment)
    if order and not obstacle:
        try:
            return await orders.request(ctx, workstation, order, reason=REASON)
        except ConflictError as error:
            obstacle = error.message
    await _record_skipped(ctx, workstation, moment, obstacle)
    return None


def _order(workstation: Workstation, moment: Moment) -> RunKind | None:
    """None if the machine is as it is to be already."""
    if moment.order is RunKind.STOP:
        return None if workstation.is_off else RunKind.STOP
    if workstation.is_running:
        return None
    return RunKind.RESUME if workstation.status is WorkstationStatus.SUSPENDED else RunKind.START


async def _obstacle(ctx: Context, workstation: Workstation, moment: Moment) -> str:
    if moment.order is RunKind.STOP and workstation.keep_until and workstation.is_kept(ctx.now):
        return f"It is kept running until {workstation.keep_until:%-d %b, %H:%M} UTC."
    owner = await ctx.session.get_one(Member, workstation.owner_id)
    return f"{owner.email} is disabled." if owner.is_disabled and moment.order.traits.gives_machine else ""


async def _record_skipped(ctx: Context, workstation: Workstation, moment: Moment, obstacle: str) -> None:
    detail = f"{moment.order.traits.label} at {moment.clock}: {obstacle}"
    await history.record(ctx, workstation, MachineEventKind.OFFICE_HOURS_SKIPPED, detail)
