"""Terraform's output lines as events."""

import json

from hypothesis import given
from hypothesis import strategies as st

from app.infra.events import parse
from app.models import LogLevel, ResourceState

ADDRESS = "module.compute[0].google_compute_instance.workstation"


def line(kind: str, **fields: object) -> str:
    return json.dumps(
        {
            "@level": "info",
            "@message": f"says {kind}",
            "@timestamp": "2026-01-01T10:00:00.5+00:00",
            "type": kind,
            **fields,
        }
    )


def test_a_planned_change_is_pending() -> None:
    event = parse(line("planned_change", change={"resource": {"addr": ADDRESS}, "action": "create"}))
    assert (event.address, event.action, event.state) == (ADDRESS, "create", ResourceState.PENDING)


def test_an_apply_is_followed_from_start_to_end() -> None:
    hook = {"resource": {"addr": ADDRESS}, "action": "create"}
    states = [parse(line(kind, hook=hook)).state for kind in ("apply_start", "apply_complete", "apply_errored")]
    assert states == [ResourceState.WORKING, ResourceState.DONE, ResourceState.FAILED]


def test_an_error_diagnostic_keeps_its_raw_text_and_says_where() -> None:
    diagnostic = {"severity": "error", "summary": "Error creating instance: 403", "detail": "more", "address": ADDRESS}
    event = parse(line("diagnostic", diagnostic=diagnostic))
    assert event.is_error
    assert event.level is LogLevel.ERROR
    assert event.message == f"Error: Error creating instance: 403\nmore\n  with {ADDRESS}"


def test_output_values_are_not_told() -> None:
    assert not parse(line("outputs", outputs={"token": {"value": "secret"}})).is_logged


@given(st.text())
def test_no_line_whatsoever_breaks_the_follower(text: str) -> None:
    assert isinstance(parse(text).message, str)


ANYTHING = st.text(st.characters())
"""Halves of surrogate pairs too, which JSON can write."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANYTHING,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANYTHING, inner, max_size=3),
    max_leaves=6,
)
RESOURCE = st.fixed_dictionaries({}, optional={"addr": JSON})
CHANGE = JSON | st.fixed_dictionaries({}, optional={"resource": JSON | RESOURCE, "action": JSON})
DIAGNOSTIC = JSON | st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("severity", "summary", "detail", "address"), JSON) | {"severity": st.just("error")}
)
EVENTS = JSON | st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["apply_start", "planned_change", "diagnostic", "outputs"]) | JSON,
        "@level": JSON,
        "@message": JSON,
        "@timestamp": JSON | st.datetimes().map(str),
        "change": CHANGE,
        "hook": CHANGE,
        "diagnostic": DIAGNOSTIC,
    },
)


def check_storable(line: str) -> None:
    """It is an event whose words Postgres keeps, and whose time is one of a known zone."""
    event = parse(line)
    for words in (event.message, event.address or "", event.action or ""):
        assert "\0" not in words
        words.encode()
    assert event.at is None or event.at.tzinfo


@given(EVENTS)
def test_whatever_terraform_says_in_json_is_an_event(record: object) -> None:
    check_storable(json.dumps(record))


@given(st.binary() | st.integers(1, 50_000).map(lambda depth: b"[" * depth) | st.just(b"9" * 5000))
def test_whatever_bytes_are_printed_are_an_event(line: bytes) -> None:
    check_storable(line.decode(errors="replace"))
