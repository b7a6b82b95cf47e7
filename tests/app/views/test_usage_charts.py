"""Charts and sentences of what machines do, whatever the machines say."""

import json
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.models import Workstation, WorkstationStatus
from app.models.activity import MEASURES, Minute
from app.services.workstations import running_now
from app.services.workstations.activities import LastHour, Span, first_minute
from app.views import usage_charts
from tests.parts import MovingClock

NOW = MovingClock().now
number = st.none() | st.floats(0, 1e15)
process = st.fixed_dictionaries(
    {}, optional={"name": st.text(max_size=60), "age": st.integers(), "cpu": number, "io": number}
)
gpu = st.fixed_dictionaries({}, optional={"use": number, "process": process})
record = st.fixed_dictionaries(
    {"at": st.sampled_from([NOW.isoformat(), "2026-03-02T09:29:00Z", "2020-01-01T00:00:00Z"])},
    optional={
        "gpus": st.none()
        | st.lists(st.fixed_dictionaries({}, optional={"use": number, "process": process}), max_size=4),
        "logins": st.lists(st.fixed_dictionaries({}, optional={"user": st.text(), "idle": st.integers()}), max_size=4),
        "multiplexers": st.lists(st.fixed_dictionaries({}, optional={"kind": st.text(), "job": st.text()}), max_size=4),
        "kernels": st.integers(),
        "busy_kernels": st.integers(),
        "received": number,
        "busiest": process,
    },
)


@given(record)
def test_whatever_a_machine_says_can_be_said_on_a_page(said: dict[str, Any]) -> None:
    workstation = Workstation(status=WorkstationStatus.RUNNING, report={"activity": json.dumps(said)})
    found = running_now.of(workstation, NOW)
    assert found
    assert all(text and text.isprintable() for text in (*found.work, *found.people))
    assert found.at is None or NOW - timedelta(minutes=5) <= found.at <= NOW


@given(
    st.sampled_from(Span),
    st.lists(st.tuples(st.integers(0, 2000), st.floats(0, 100), st.floats(0, 1e15)), max_size=30),
)
def test_any_numbers_can_be_drawn(span: Span, known: list[tuple[int, float, float]]) -> None:
    minutes = [
        Minute.model_construct(
            at=NOW - span.length + timedelta(minutes=slot * span.step),
            **dict.fromkeys(MEASURES, None) | {"gpu": percent, "disk": amount},
        )
        for slot, percent, amount in sorted(known)
        if slot * span.step < span.length.total_seconds() / 60
    ]
    charts = usage_charts.of(minutes, span, NOW, has_gpu=True)
    for chart in charts.charts:
        for x, y in (place.split(",") for line in chart.lines for place in line.split()):
            assert -usage_charts.WIDTH <= float(x) <= 1.2 * usage_charts.WIDTH
            assert 0 <= float(y) <= usage_charts.HEIGHT
    assert len(charts.rows) <= 33


def test_a_gap_is_a_gap_and_a_lonely_step_is_as_wide_as_it_lasts() -> None:
    minutes = [
        Minute.model_construct(at=NOW - timedelta(minutes=ago), **dict.fromkeys(MEASURES, None) | {"cpu": 50.0})
        for ago in (50, 49, 48, 30)
    ]
    [cpu, *_] = usage_charts.of(minutes, Span.HOUR, NOW, has_gpu=False).charts
    assert cpu.lines == ["40,28 44,28 48,28", "120,28 124,28"]
    assert (cpu.newest, cpu.mean, cpu.most, cpu.top) == ("unknown", "50%", "50%", "100%")


@given(st.lists(st.none() | st.integers(0, 100), max_size=62), st.integers(0, 3599))
def test_a_machine_looks_the_same_in_the_list_and_on_its_page(percents: list[int | None], second: int) -> None:
    now = NOW + timedelta(seconds=second)
    minutes = [
        Minute.model_construct(
            at=first_minute(now) + timedelta(minutes=number), **dict.fromkeys(MEASURES, None) | {"cpu": percent}
        )
        for number, percent in enumerate(percents)
    ]
    [cpu, *_] = usage_charts.of(minutes, Span.HOUR, now, has_gpu=False).charts
    [none, sparks] = usage_charts.sparks([None, LastHour([], list(percents))], now)
    assert none == []
    assert [(spark.name, spark.lines, spark.newest) for spark in sparks] == (
        [("CPU", cpu.lines, cpu.newest)] if cpu.lines else []
    )
