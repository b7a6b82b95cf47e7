"""What is use, and that nothing is stopped which may be in use: by properties over what agents send."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.models import Workstation, WorkstationStatus
from app.models.activity import Activity
from app.models.idle_stop import WARNINGS, IdleLimits, uses

BEGAN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LIMITS, AFTER = IdleLimits(gpu=5, cpu=10, has_gpu=True), timedelta(hours=1)
IDLE: dict[str, Any] = {
    "cpu": 1.2,
    "received": 300,
    "sent": 20,
    "disk_read": 0,
    "disk_written": 4000,
    "gpus": [{"use": 0}],
    "logins": [{"user": "grace", "idle": 7200}],
    "multiplexers": [{"kind": "tmux", "job": None, "has_job": False}],
    "kernels": 1,
    "busy_kernels": 0,
    "busiest": {"name": "sshd", "cpu": 0.1},
}
IN_USE: dict[str, dict[str, Any]] = {
    "a silent training": {"gpus": [{"use": 99, "process": {"name": "python3"}}]},
    "a training on the second GPU": {"gpus": [{"use": 0}, {"use": 40}]},
    "a training that uses one core of many": {"busiest": {"name": "python3", "cpu": 99}},
    "busy cores": {"cpu": 38},
    "a download": {"received": 60_000_000},
    "an upload": {"sent": 60_000_000},
    "a copy": {"disk_written": 50_000_000},
    "a job in tmux": {"multiplexers": [{"kind": "tmux", "job": "preprocess", "has_job": True}]},
    "a kernel that computes": {"busy_kernels": 1},
    "somebody who types": {"logins": [{"user": "grace", "idle": 10}]},
    "an editor": {"logins": [{"user": "grace", "idle": None}]},
    "a broken driver": {"gpus": []},
    **{f"nothing known of {name}": {name: None} for name in IDLE if name != "kernels"},
    "a GPU of which nothing is known": {"gpus": [{"use": None}]},
    "a GPU that makes no sense": {"gpus": [{"use": "very"}]},
    "a negative CPU": {"cpu": -1},
    "a session that makes no sense": {"logins": [7]},
    "a pane that makes no sense": {"multiplexers": [{"kind": "tmux", "has_job": "maybe"}]},
    "a process that makes no sense": {"busiest": {"name": "x", "cpu": 1e999}},
}


def record(at: datetime, **changes: Any) -> Activity | None:
    """As an agent sends it at that moment, with the minutes before it."""
    minutes = [
        [int((at - number * MINUTE).timestamp() // 60), 0, 1, 10, 4000, 300, 20, 0, 0] for number in range(1, 11)
    ]
    return Activity.parse(json.dumps({"at": at.isoformat(), **IDLE, "minutes": minutes, **changes}))


def machine() -> Workstation:
    return Workstation(id="w", name="dev-1", status=WorkstationStatus.RUNNING, running_at=BEGAN)


def watch(row: Workstation, told: Activity | None, now: datetime) -> bool:
    """A worker's minute: the newest record, the warning, and whether it is stopped now."""
    row.follow_use(told, LIMITS, now)
    if row.must_stop_idle(now, AFTER):
        return True
    if row.idle_warned_at is None and row.warns_of_idle_stop(now, AFTER):
        row.idle_warned_at = now
    return False


def stopped_after(row: Workstation, minutes: int, **changes: Any) -> int | None:
    """After how many minutes it is stopped, if it goes on like that."""
    for number in range(minutes):
        now = BEGAN + number * MINUTE
        if watch(row, record(now, **changes), now):
            return number
    return None


def test_an_idle_machine_is_stopped_after_its_time_and_its_warning() -> None:
    row = machine()
    assert stopped_after(row, 200) == 60
    assert row.idle_since == BEGAN
    assert row.idle_warned_at == BEGAN + 30 * MINUTE


@pytest.mark.parametrize("changes", IN_USE.values(), ids=IN_USE.keys())
def test_what_is_in_use_or_unknown_is_never_stopped(changes: dict[str, Any]) -> None:
    told = record(BEGAN, **changes)
    assert told
    assert uses(told, LIMITS)
    assert stopped_after(machine(), 1500, **changes) is None


def test_a_machine_without_gpu_needs_none() -> None:
    told = record(BEGAN, gpus=[])
    assert told
    assert uses(told, IdleLimits(5, 10, has_gpu=False)) == []


@given(
    steps=st.lists(
        st.tuples(st.sampled_from([*IN_USE, "idle", "idle", "idle", "nonsense", "nothing", "old"]), st.integers(1, 90)),
        min_size=1,
        max_size=12,
    )
)
@example([("idle", 59), ("a download", 1), ("idle", 59)])
@example([("idle", 40), ("nothing", 4), ("idle", 60)])
@example([("idle", 40), ("old", 30), ("idle", 30)])
def test_nothing_is_stopped_unless_an_hour_of_records_all_said_idle(steps: list[tuple[str, int]]) -> None:
    row, now, idle_for, last = machine(), BEGAN, 0, record(BEGAN)
    for what, minutes in steps:
        for _ in range(minutes):
            now += MINUTE
            if what == "nonsense":
                told = Activity.parse('{"at": "tomorrow", "cpu": -1e999}')
            elif what == "nothing":
                told = None
            elif what == "old":
                told = last
            else:
                told = last = record(now, **IN_USE.get(what, {}))
            idle_for = idle_for + 1 if what == "idle" else 0
            if watch(row, told, now):
                # The first record says idle of the minute before it as well.
                assert what == "idle" or (what == "old" and last and now - last.at <= timedelta(minutes=3))
                assert what == "old" or idle_for >= 31
                return


@given(st.text(max_size=300) | st.dictionaries(st.text(max_size=12), st.integers() | st.none()).map(json.dumps))
def test_nonsense_stops_nothing_and_breaks_nothing(text: str) -> None:
    row = machine()
    for number in range(200):
        assert not watch(row, Activity.parse(text), BEGAN + number * MINUTE)
    assert row.idle_since is None


def test_an_agent_that_dies_after_hours_of_rest_leaves_the_machine_running() -> None:
    row, last = machine(), record(BEGAN + 55 * MINUTE)
    assert stopped_after(row, 56) is None
    assert not any(watch(row, last, BEGAN + number * MINUTE) for number in range(56, 500))


def test_a_worker_that_comes_late_reads_the_minutes_that_it_missed() -> None:
    for busy in (False, True):
        row = machine()
        assert stopped_after(row, 40) is None
        now = BEGAN + 43 * MINUTE
        minutes = [
            [int((now - number * MINUTE).timestamp() // 60), 99 if busy and number == 3 else 0, 1, 9, 0, 0, 0, 0, 0]
            for number in range(1, 11)
        ]
        row.follow_use(record(now, minutes=minutes), LIMITS, now)
        assert row.idle_since == (now if busy else BEGAN)
    row = machine()
    assert stopped_after(row, 40) is None
    row.follow_use(record(now, minutes=[]), LIMITS, now)
    assert row.idle_since == now


def test_a_kept_machine_is_not_stopped_and_is_warned_anew() -> None:
    row = machine()
    assert stopped_after(row, 45) is None
    now = BEGAN + 45 * MINUTE
    assert row.keep_running(now + timedelta(hours=4), now)
    assert not row.keep_running(now + timedelta(hours=3), now)
    assert row.warns_of_idle_stop(now, AFTER) is None
    for number in range(46, 400):
        at = BEGAN + number * MINUTE
        if watch(row, record(at), at):
            break
    assert at == now + timedelta(hours=4)
    assert row.idle_warned_at == at - WARNINGS[0]
    # Nobody keeps it for ever, whatever the machine says.
    row.keep_running(now + timedelta(days=4000), now)
    assert row.keep_until == now + timedelta(days=7)


@given(idle=st.integers(0, 3000), warned=st.none() | st.integers(0, 3000), after=st.integers(45, 10_000))
def test_nobody_is_stopped_without_half_an_hour_of_warning(idle: int, warned: int | None, after: int) -> None:
    row, now = machine(), BEGAN + 3000 * MINUTE
    row.idle_since, row.idle_seen_at = now - idle * MINUTE, now
    row.idle_warned_at = now - warned * MINUTE if warned is not None else None
    if row.must_stop_idle(now, after * MINUTE):
        assert idle >= after
        assert warned is not None
        assert warned >= 30
