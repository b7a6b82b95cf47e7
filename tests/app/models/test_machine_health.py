"""The rules by which a running machine counts as well, for any report that it may write."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models.machine_health import Aspect, Finding, Level, Seen, judge
from app.models.machine_report import MachineReport

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
GIB = 1 << 30
SEEN = Seen(
    reported_at=NOW,
    running_since=NOW - timedelta(days=1),
    address="127.70.1.2",
    reached_at=NOW,
    probed_at=NOW,
    unreachable_since=None,
)
percents = st.integers(0, 100)


def mount(*, used: int = 10, boot_used: int = 10, at: datetime = NOW, state: str = "mounted") -> str:
    sizes = f"size={100 * GIB} free={(100 - used) * GIB} boot_size={100 * GIB} boot_free={(100 - boot_used) * GIB}"
    return f"state={state} volume=/dev/sdb device=/dev/sdb type=ext4 {sizes} at={at.isoformat()} reason="


def memory(*, available: int = 8, total: int = 16, pressure: str = "0.00", killed: str = "killed_at= killed=") -> str:
    killed_at, _, name = killed.partition(" ")
    sizes = f"total={total * GIB} available={available * GIB} pressure={pressure} kills=0"
    return f"{sizes} {killed_at} at={NOW.isoformat()} {name}"


def findings(seen: Seen = SEEN, **told: str) -> dict[Aspect, Finding]:
    attributes = {"mount": mount(), "driver": "none", "memory": memory(), **told}
    return {each.check: each for each in judge(MachineReport.read(attributes), seen).findings}


def level(check: Aspect, seen: Seen = SEEN, **told: str) -> Level:
    return findings(seen, **told)[check].level


def test_a_machine_that_is_well_has_no_troubles() -> None:
    health = judge(MachineReport.read({"mount": mount(), "driver": "ok 580.95.05", "memory": memory()}), SEEN)
    assert (health.level, health.troubles, health.checked_at) == (Level.OK, [], NOW)
    assert {each.check for each in health.findings} == set(Aspect)


@given(percents)
def test_a_disk_warns_from_80_and_is_bad_from_95_percent(used: int) -> None:
    expected = Level.BAD if used >= 95 else Level.WARN if used >= 80 else Level.OK
    assert level(Aspect.HOME_DISK, mount=mount(used=used)) is expected
    assert level(Aspect.BOOT_DISK, mount=mount(boot_used=used)) is expected
    assert level(Aspect.BOOT_DISK, mount=mount(used=used)) is Level.OK


def test_a_full_disk_is_said_with_its_numbers() -> None:
    assert findings(mount=mount(used=96))[Aspect.HOME_DISK].message == (
        "/home/jupyter is 96% full: 4.0 GiB of 100.0 GiB are free."
    )


def test_a_disk_that_is_not_mounted_is_bad_and_not_said_to_be_full() -> None:
    found = findings(mount=mount(used=99, state="unmounted"))
    assert found[Aspect.MOUNT].level is Level.BAD
    assert Aspect.HOME_DISK not in found


@pytest.mark.parametrize(
    "sizes", ["size= free=", "size=0 free=0", "size=5 free=6", "size=-5 free=-6", "size=1e3 free=1"]
)
def test_sizes_that_make_no_sense_are_unknown(sizes: str) -> None:
    line = f"state=mounted volume=/dev/sdb type=ext4 {sizes} at={NOW.isoformat()} reason="
    assert level(Aspect.HOME_DISK, mount=line) is Level.UNKNOWN


@pytest.mark.parametrize(
    ("driver", "expected"),
    [
        ("ok 580.95.05", Level.OK),
        ("missing", Level.WARN),
        ("fine", Level.UNKNOWN),
        ("broken 6.8.0-1031-gcp", Level.BAD),
        ("", Level.UNKNOWN),
    ],
)
def test_the_driver(driver: str, expected: Level) -> None:
    assert level(Aspect.DRIVER, driver=driver) is expected


def test_a_broken_driver_is_said_with_its_kernel_unless_that_is_none() -> None:
    assert "with kernel 6.8.0-1031-gcp" in findings(driver="broken 6.8.0-1031-gcp")[Aspect.DRIVER].message
    assert "kernel" not in findings(driver="broken $(reboot)")[Aspect.DRIVER].message


def test_a_machine_without_a_gpu_has_no_driver() -> None:
    assert Aspect.DRIVER not in findings(driver="none")


@given(available=st.integers(0, 100), pressure=st.integers(0, 100))
def test_little_memory_or_much_waiting_for_it_is_a_warning(available: int, pressure: int) -> None:
    told = memory(available=available, total=100, pressure=f"{pressure}.00")
    expected = Level.WARN if available < 5 or pressure >= 10 else Level.OK
    assert level(Aspect.MEMORY, memory=told) is expected


@given(st.integers(-10, 120))
def test_what_linux_ended_is_bad_for_an_hour(minutes: int) -> None:
    killed = f"killed_at={(NOW - timedelta(minutes=minutes)).isoformat()} killed=python3"
    expected = Level.BAD if -5 <= minutes <= 60 else Level.OK
    assert level(Aspect.MEMORY, memory=memory(killed=killed)) is expected


def test_what_linux_ended_is_named_in_one_short_line() -> None:
    killed = f"killed_at={(NOW - timedelta(minutes=12)).isoformat()} killed=python3 \x1b[31m" + "x" * 500
    message = findings(memory=memory(killed=killed))[Aspect.MEMORY].message
    assert message.startswith("Memory ran out: Linux ended python3 [31mxxx")
    assert message.endswith(" 12 minutes ago.")
    assert len(message) < 120


@given(st.integers(0, 600))
def test_ssh_is_bad_after_two_minutes_without_an_answer(seconds: int) -> None:
    seen = replace(SEEN, unreachable_since=NOW - timedelta(seconds=seconds), reached_at=NOW - timedelta(hours=1))
    assert level(Aspect.SSH, seen) is (Level.BAD if seconds >= 120 else Level.UNKNOWN)


def test_ssh_of_a_machine_that_no_worker_can_reach_is_not_checked() -> None:
    silent_for_days = replace(SEEN, unreachable_since=NOW - timedelta(days=2))
    assert level(Aspect.SSH, replace(silent_for_days, reached_at=None)) is Level.UNKNOWN
    without_address = findings(replace(silent_for_days, address=None))[Aspect.SSH]
    assert without_address.level is Level.UNKNOWN
    assert "no external IP" in without_address.message


@given(st.integers(-20, 60))
def test_a_machine_is_silent_after_five_minutes(minutes: int) -> None:
    told = mount(at=NOW - timedelta(minutes=minutes))
    expected = Level.UNKNOWN if minutes < -5 else Level.BAD if minutes > 5 else Level.OK
    assert level(Aspect.REPORTS, mount=told) is expected


def test_a_machine_that_has_just_come_back_is_given_the_time_to_report() -> None:
    resumed = replace(SEEN, running_since=NOW - timedelta(minutes=1))
    assert level(Aspect.REPORTS, resumed, mount=mount(at=NOW - timedelta(hours=9))) is Level.OK


def test_what_was_never_reported_is_unknown_and_not_bad() -> None:
    health = judge(MachineReport.read({}), replace(SEEN, reached_at=None))
    assert {each.level for each in health.findings} == {Level.UNKNOWN}
    assert (health.level, health.troubles) == (Level.UNKNOWN, [])


def test_the_worst_comes_first() -> None:
    told = {"mount": mount(used=85, boot_used=97), "driver": "missing", "memory": memory()}
    health = judge(MachineReport.read(told), SEEN)
    assert health.level is Level.BAD
    assert [each.check for each in health.troubles] == [
        Aspect.BOOT_DISK,
        Aspect.HOME_DISK,
        Aspect.DRIVER,
    ]


words = st.one_of(
    st.text(max_size=40),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(
        ["mounted", "", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "ok", "broken", "9" * 18]
    ),
)
names = st.sampled_from(
    ["state", "size", "free", "boot_size", "boot_free", "at", "total", "available", "pressure", "kills", "killed_at"]
)
lines = st.lists(st.tuples(names, words), max_size=12).map(lambda facts: " ".join("=".join(each) for each in facts))
attributes = st.dictionaries(
    st.sampled_from(["boot-stage", "mount", "driver", "memory"]),
    st.one_of(st.text(max_size=80), lines, lines.map("state=mounted {} reason=x".format)),
)


@given(attributes, st.sampled_from([SEEN, replace(SEEN, running_since=None), replace(SEEN, probed_at=None)]))
def test_no_report_breaks_the_rules(told: dict[str, str], seen: Seen) -> None:
    health = judge(MachineReport.read(told), seen)
    assert health.level in set(Level)
    for finding in health.findings:
        assert finding.message
        assert len(finding.message) < 300
        assert "\n" not in finding.message
