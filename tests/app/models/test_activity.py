"""What is read of an agent's record, which anybody with root access to the machine may write."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.models.activity import MEASURES, MOST, Activity
from app.models.machine_report import LONGEST_ACTIVITY, LONGEST_NAME

AT = "2026-03-02T09:30:00Z"
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
MINUTE = int(NOW.timestamp() // 60)
RECORD: dict[str, Any] = {
    "at": AT,
    "cpu": 12.5,
    "load": 0.5,
    "memory_used": 4e9,
    "memory_total": 16e9,
    "disk_read": 10,
    "disk_written": 20,
    "received": 30,
    "sent": 40,
    "gpus": [
        {"use": 3, "memory_used": 1, "memory_total": 2, "process": {"name": "python3", "age": 60}},
        {
            "use": 97,
            "memory_used": 1,
            "memory_total": 2,
            "process": {"name": "train", "age": 21600, "cpu": 99.5, "io": 0},
        },
    ],
    "logins": [{"user": "grace", "idle": 5}, {"user": "grace"}],
    "multiplexers": [{"kind": "tmux", "job": "train", "has_job": True}],
    "kernels": 2,
    "busy_kernels": 1,
    "busiest": {"name": "train", "age": 21600, "cpu": 99.5},
    "minutes": [[MINUTE - 1, 97, 12.5, 25, 30, 30, 40, 1, 2], [MINUTE - 2, None, 12.5]],
}


def parse(**changes: Any) -> Activity:
    activity = Activity.parse(json.dumps({**RECORD, **changes}))
    assert activity
    return activity


def test_a_good_record() -> None:
    activity = parse()
    assert (activity.at, activity.cpu, activity.kernels) == (NOW, 12.5, 2)
    assert [(gpu.use, process.name, process.age) for gpu, process in activity.gpu_processes] == [
        (97, "train", 21600),
        (3, "python3", 60),
    ]
    assert [(each.user, each.idle) for each in activity.logins or () if each] == [("grace", 5), ("grace", None)]
    newest, older = activity.minutes or ()
    assert newest
    assert newest.at == NOW - timedelta(minutes=1)
    assert [getattr(newest, name) for name in MEASURES] == [97, 12.5, 25, 30, 30, 40, 1, 2]
    assert older
    assert (older.gpu, older.cpu, older.typed) == (None, 12.5, None)


def test_what_is_missing_is_unknown_and_no_gpu_is_not() -> None:
    activity = Activity.parse(json.dumps({"at": AT}))
    assert activity
    assert all(getattr(activity, name) is None for name in Activity.model_fields if name != "at")
    assert parse(gpus=[]).gpus == ()


def test_a_value_out_of_range_is_unknown_and_leaves_the_others() -> None:
    wrongs: list[Any] = [-1, 101, "12", True, [], {}, 1e400]
    for wrong in wrongs:
        assert (parse(cpu=wrong).cpu, parse(cpu=wrong).load) == (None, 0.5)
    first, second = parse(gpus=[{"use": 101, "memory_used": 5}, 7]).gpus or ()
    assert (first and (first.use, first.memory_used), second) == ((None, 5), None)
    assert parse(logins=[{"user": "grace"}] * (MOST + 1)).logins is None
    assert parse(minutes=[["x"], [True], [-1], [], 3, [1 << 60]]).minutes == (None,) * 6


def test_names_are_printable_and_short() -> None:
    busiest = parse(busiest={"name": "tr\u202eain\n" + "x" * 100}).busiest
    assert busiest
    assert busiest.name == "train" + "x" * (LONGEST_NAME - 5)
    assert parse(busiest={"name": "\n"}).busiest == parse(busiest={}).busiest


def test_a_record_without_a_time_or_too_long_is_none() -> None:
    for made_up in (
        "",
        "null",
        "[]",
        "{}",
        "[" * 3000,
        '{"at": "2026-03-02T09:30:00"}',
        '{"at": "0001-01-01T00:00:00+23:59"}',
        '{"at": "9999-12-31T23:59:59-23:59"}',
        '{"at": 1e300}',
        f'{{"at": "{AT}"}}' + " " * LONGEST_ACTIVITY,
    ):
        assert Activity.parse(made_up) is None


def test_a_record_is_current_for_five_minutes() -> None:
    activity = parse()
    assert activity.is_current(NOW)
    assert activity.is_current(NOW + timedelta(minutes=5))
    assert not activity.is_current(NOW + timedelta(minutes=5, seconds=1))
    # The machine's clock makes no sense.
    assert not activity.is_current(NOW - timedelta(minutes=6))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([AT, "python3", 50, MINUTE]),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*RECORD, "name", "use", "user"]), inner),
)


@given(st.text() | anything.map(json.dumps))
def test_any_text_is_a_record_or_none(text: str) -> None:
    assert isinstance(Activity.parse(text), Activity | None)


@given(st.fixed_dictionaries({"at": st.just(AT)}, optional={name: anything for name in RECORD if name != "at"}))
def test_whatever_a_machine_says_is_in_range_or_unknown(record: dict[str, Any]) -> None:
    activity = Activity.parse(json.dumps(record))
    if activity is None:
        # Longer than a record may be, or with lone surrogates, which JSON may not have.
        return
    assert activity.cpu is None or 0 <= activity.cpu <= 100
    assert activity.kernels is None or activity.kernels >= 0
    for gpu in activity.gpus or ():
        assert gpu is None or gpu.use is None or 0 <= gpu.use <= 100
    for minute in activity.minutes or ():
        assert minute is None or all(0 <= (getattr(minute, name) or 0) <= 1e15 for name in MEASURES)
    names = [
        activity.busiest.name if activity.busiest else None,
        *(each.user for each in activity.logins or () if each),
    ]
    assert all(name is None or (name.isprintable() and len(name) <= LONGEST_NAME) for name in names)
