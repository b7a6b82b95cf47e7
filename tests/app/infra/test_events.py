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
