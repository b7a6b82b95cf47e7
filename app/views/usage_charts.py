"""What a machine did, as small charts for a page, and as a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from app.models import Workstation
from app.models.activity import Minute
from app.models.activity_block import SLOTS
from app.models.machine_health import SILENT_AFTER
from app.services.context import Context
from app.services.workstations import activities, running_now
from app.services.workstations.activities import LastHour, Series, Span
from app.services.workstations.running_now import rate

WIDTH, HEIGHT = 240, 56
"""Of a chart, in its own units."""
STEP = {Span.HOUR: 1, Span.DAY: 10, Span.WEEK: 60, Span.MONTH: 240}
"""The minutes of a point of the charts."""
ROWS = {Span.HOUR: 5, Span.DAY: 120, Span.WEEK: 1440, Span.MONTH: 1440}
"""The minutes of a row of the table."""
_TENTHS_A_PERCENT = 10 * (HEIGHT - 2) / 100
_PERCENT_HEIGHTS = [f"{HEIGHT - 1 - tenths / 10:g}" for tenths in range(10 * (HEIGHT - 2) + 1)]
"""Where a percentage is drawn, by the tenths of a unit that it is above the bottom."""
Measure = Callable[[Minute], float | None]
Points = list[tuple[datetime, float]]


@dataclass(frozen=True)
class Chart:
    """One measure over time."""

    name: str
    lines: list[str]
    """Points of polylines, x,y x,y …, one for each time without a gap."""
    areas: list[str]
    """The same, down to the bottom."""
    newest: str
    mean: str
    most: str
    top: str
    """What the top of the chart stands for."""


@dataclass(frozen=True)
class UsageCharts:
    """The charts of a time, and the same numbers as a table."""

    span: Span
    begin: datetime
    charts: list[Chart]
    names: list[str]
    rows: list[tuple[datetime, list[str]]]


def _disk(minute: Minute) -> float | None:
    return minute.disk


def _network(minute: Minute) -> float | None:
    known = [each for each in (minute.received, minute.sent) if each is not None]
    return sum(known) if known else None


_GPU: tuple[str, Measure, bool] = ("GPU", lambda minute: minute.gpu, True)
_OTHERS: list[tuple[str, Measure, bool]] = [
    ("CPU", lambda minute: minute.cpu, True),
    ("Memory", lambda minute: minute.memory, True),
    ("Disk", _disk, False),
    ("Network", _network, False),
]
"""Name, measure, and whether it is in percent; the others are bytes a second."""


async def context(ctx: Context, workstation: Workstation, span: Span) -> dict[str, Any]:
    """What the page of a workstation needs."""
    machine_type = ctx.catalog.machine_type(workstation.machine_type)
    minutes = await activities.in_span(ctx, workstation, span)
    has_gpu = bool(machine_type and machine_type.gpu) or any(each.gpu is not None for each in minutes)
    return {
        "usage": of(minutes, span, ctx.now, has_gpu=has_gpu),
        "usage_spans": list(Span),
        "running_now": running_now.of(workstation, ctx.now),
    }


def of(minutes: Sequence[Minute], span: Span, now: datetime, *, has_gpu: bool) -> UsageCharts:
    """:param minutes: in the steps of the span, in order."""
    measures = [_GPU, *_OTHERS] if has_gpu else _OTHERS
    begin = now - span.length
    rows = [
        (row.at, [_text(measure(row), is_percent=is_percent) for _, measure, is_percent in measures])
        for row in reversed(activities.means(minutes, ROWS[span]))
    ]
    if span.step < STEP[span]:
        minutes = activities.means(minutes, STEP[span])
    charts = [
        _chart(name, _points(minutes, measure), (begin, span), is_percent=is_percent)
        for name, measure, is_percent in measures
    ]
    return UsageCharts(span, begin, charts, [name for name, _, _ in measures], rows)


@dataclass(frozen=True)
class Spark:
    """One measure of the last hour, as small as a word."""

    name: str
    lines: list[str]
    newest: str


def sparks(hours: Sequence[LastHour | None], now: datetime) -> list[list[Spark]]:
    """GPU and CPU of each machine, as far as something is known of them."""
    # The list of all machines draws thousands of points: whatever is the same for all is worked out once.
    axis = _axis_of_last_hour(now)
    named = [(("GPU", each.gpu), ("CPU", each.cpu)) if each else () for each in hours]
    return [[spark for name, series in each if (spark := _spark(name, series, axis, now))] for each in named]


def _axis_of_last_hour(now: datetime) -> list[str]:
    """Where the minutes of a `LastHour` begin. Agents' clocks differ, so it goes on after `now`."""
    begin = (activities.first_minute(now) - (now - Span.HOUR.length)).total_seconds()
    a_second = WIDTH / Span.HOUR.length.total_seconds()
    return [f"{round(a_second * (begin + 60 * number), 1):g}" for number in range(2 * SLOTS + 1)]


def _spark(name: str, series: Series, axis: list[str], now: datetime) -> Spark | None:
    heights = ["" if value is None else _PERCENT_HEIGHTS[round(_TENTHS_A_PERCENT * value)] for value in series]
    gaps = [-1, *(number for number, height in enumerate(heights) if not height), len(heights)]
    runs = [(gap + 1, end) for gap, end in pairwise(gaps) if end > gap + 1]
    if not runs:
        return None
    last = runs[-1][1] - 1
    is_new = _is_new(activities.first_minute(now) + timedelta(minutes=last), now, 1)
    newest = _text(series[last] if is_new else None, is_percent=True)
    return Spark(name, [_line(axis, heights, *run) for run in runs], newest)


def _line(axis: list[str], heights: list[str], start: int, end: int) -> str:
    places = [f"{x},{y}" for x, y in zip(axis[start:end], heights[start:end], strict=True)]
    # A minute that stands alone is as wide as a minute.
    alone = [f"{axis[end]},{heights[start]}"] if len(places) == 1 else []
    return " ".join(places + alone)


def _is_new(at: datetime, now: datetime, step: int) -> bool:
    """Whether it says something about now: what was is not what is."""
    return now - at <= timedelta(minutes=step) + SILENT_AFTER


def _points(minutes: Sequence[Minute], measure: Measure) -> Points:
    return [(each.at, value) for each in minutes if (value := measure(each)) is not None]


def _chart(name: str, points: Points, time: tuple[datetime, Span], *, is_percent: bool) -> Chart:
    begin, span = time
    values = [value for _, value in points]
    most = max(values, default=None)
    mean = sum(values) / len(values) if values else None
    top = 100.0 if is_percent else _round_up(most or 0)
    runs = _drawn(points, time, top)
    newest = points[-1][1] if points and _is_new(points[-1][0], begin + span.length, STEP[span]) else None
    texts = [_text(value, is_percent=is_percent) for value in (newest, mean, most, top)]
    areas = [f"{run[0][0]:g},{HEIGHT} {_joined(run)} {run[-1][0]:g},{HEIGHT}" for run in runs]
    return Chart(name, [_joined(run) for run in runs], areas, *texts)


def _drawn(points: Points, time: tuple[datetime, Span], top: float) -> list[list[tuple[float, float]]]:
    """Points in the chart's units, in runs: where something is unknown, there is a gap."""
    begin, span = time
    step = timedelta(minutes=STEP[span])
    a_second, gap = WIDTH / span.length.total_seconds(), 1.5 * step
    width = round(a_second * step.total_seconds(), 1)
    runs: list[list[tuple[float, float]]] = []
    last = None
    for at, value in points:
        x = round(a_second * (at - begin).total_seconds(), 1)
        y = round(HEIGHT - 1 - (HEIGHT - 2) * min(1.0, value / top), 1)
        if last is None or at - last > gap:
            runs.append([])
        runs[-1].append((x, y))
        last = at
    # A step that stands alone is as wide as a step.
    return [run if len(run) > 1 else [run[0], (round(run[0][0] + width, 1), run[0][1])] for run in runs]


def _joined(run: list[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in run)


def _round_up(value: float) -> float:
    """To 1, 2 or 5 times a power of ten, at least 1 MB/s: what a machine at rest writes is no mountain."""
    size = 1e6
    while value > size:
        size *= 2.5 if str(int(size)).startswith("2") else 2
    return size


def _text(value: float | None, *, is_percent: bool) -> str:
    if value is None:
        return "unknown"
    return f"{value:.0f}%" if is_percent else rate(value)
