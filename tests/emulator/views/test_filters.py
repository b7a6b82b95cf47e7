"""Compute Engine's list filters."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.core.errors import CloudError
from emulator.views.filters import compile_filter

ITEM = {
    "name": "grace-box",
    "status": "RUNNING",
    "labels": {"stationmaster-stack": "abc123"},
    "sizeGb": "100",
    "disks": [{"deviceName": "boot"}, {"deviceName": "home"}],
    "insertTime": "2026-01-02T00:00:00.000+00:00",
    "canIpForward": False,
}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "name = grace-box",
        'name="grace-box"',
        "name eq .*box",
        "(name eq grace-box) (status ne DONE)",
        "labels.stationmaster-stack = abc123 AND status = RUNNING",
        "status = DONE OR status = RUNNING",
        "NOT_THERE != x",
        "labels.stationmaster-stack:*",
        "name:BOX",
        "sizeGb > 20",
        'insertTime >= "2026-01-01"',
        "disks.deviceName = home",
        "canIpForward = false",
        "(name = a OR (name = grace-box)) status = RUNNING",
    ],
)
def test_it_matches(text: str) -> None:
    assert compile_filter(text)(ITEM)


@pytest.mark.parametrize(
    "text",
    ["name = other", "name ne grace-box", "labels.other = x", "labels.other:*", "sizeGb < 20", "name eq box", "x > 1"],
)
def test_it_does_not_match(text: str) -> None:
    assert not compile_filter(text)(ITEM)


@pytest.mark.parametrize(
    "text", ["name =", "name", "(name = a", "name = a)", "= a", "name ~ a", '"a" = b', "name = 'a"]
)
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(CloudError, match="Invalid list filter"):
        compile_filter(text)


@given(st.text(max_size=40))
def test_any_text_is_either_read_or_refused(text: str) -> None:
    with suppress(CloudError):
        compile_filter(text)(ITEM)
