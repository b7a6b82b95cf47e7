"""What the portal has a machine say to whoever works on it: warnings of a stop, and what its login banner adds."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.models import Workstation
from app.models.idle_stop import WARNINGS
from app.services.context import Context
from app.services.workstations import existing, idle_stops

_HOW_TO_KEEP = "To keep it running, type: keep 4h"


@dataclass(frozen=True)
class StopWarning:
    """That the machine will be stopped soon, in words for a terminal."""

    id: str
    """The same for the same warning, so that it is shown once. It has no spaces."""
    text: str


async def warnings(ctx: Context, workstation: Workstation) -> list[StopWarning]:
    """The warnings that count now, by the rules of the workstation's page: 30 minutes before a stop, then 10."""
    found = [_warning(workstation, *stop, ctx.now) for stop in _stops(ctx, workstation)]
    idle = await idle_stops.of(ctx, workstation)
    # Until a worker has warned of it, the stop moves on with the time.
    if idle.warns_of and idle.idle_since and workstation.idle_warned_at:
        why = f"nobody has used it since {local_time(workstation, idle.idle_since, ctx.now)}"
        found.append(_warning(workstation, "idle", idle.warns_of, why, _HOW_TO_KEEP, ctx.now))
    return found


def _stops(ctx: Context, workstation: Workstation) -> Iterator[tuple[str, datetime, str, str]]:
    """Stops by the calendar: a word for each, when, why, and what can be done about it."""
    moment = workstation.stops_soon(ctx.now)
    if moment:
        yield "office-hours", moment.at, "its office hours end", _HOW_TO_KEEP
    ends_at = workstation.ends_at
    if ends_at and timedelta(0) < ends_at - ctx.now <= WARNINGS[0]:
        yield "end-date", ends_at, "its end date has passed", "Extend it on the machine's page in the portal."
    limit_at = workstation.run_limit_at
    if limit_at and timedelta(0) < limit_at - ctx.now <= WARNINGS[0]:
        yield "run-limit", limit_at, "it has run for as long as the team allows", "Save your work, and start it again."


def _warning(workstation: Workstation, word: str, at: datetime, why: str, what: str, now: datetime) -> StopWarning:
    before = min((each for each in WARNINGS if at - now <= each), default=WARNINGS[0])
    id_ = f"{word}-{at.astimezone(UTC):%Y%m%dT%H%M}-{before // timedelta(minutes=1)}"
    return StopWarning(id_, f"Stationmaster stops this machine at {local_time(workstation, at, now)}: {why}. {what}")


def banner(ctx: Context, workstation: Workstation) -> list[str]:
    """Sentences for whoever logs in."""
    price = existing.price_per_hour(workstation, ctx.catalog, None)
    said = [] if price is None else [f"This machine costs ${price:.2f} an hour while it runs."]
    if workstation.keep_until and workstation.is_kept(ctx.now):
        said.append(f"It is kept running until {local_time(workstation, workstation.keep_until, ctx.now)}.")
    if workstation.run_limit_at and workstation.is_running:
        said.append(f"Google stops it at {local_time(workstation, workstation.run_limit_at, ctx.now)}.")
    return said


def kept_sentence(workstation: Workstation, now: datetime) -> str:
    """What `keep` answers to whoever typed it."""
    until = workstation.keep_until or now
    if workstation.run_limit_at and workstation.is_limited_before(min(until, workstation.ends_at or until)):
        return f"Kept running until the team's run limit, {local_time(workstation, workstation.run_limit_at, now)}."
    if workstation.ends_at and workstation.ends_at < until:
        return f"Kept running until its end date, {local_time(workstation, workstation.ends_at, now)}."
    return f"Kept running until {local_time(workstation, until, now)}."


def local_time(workstation: Workstation, at: datetime, now: datetime) -> str:
    """Such as 18:40 CET, by the zone of its office hours or else UTC; with the day if that is another one than now."""
    zone = workstation.hours.zone if workstation.hours else UTC
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    return f"{local:%H:%M %Z}" if local.date() == today else f"{local:%a %-d %b, %H:%M %Z}"
