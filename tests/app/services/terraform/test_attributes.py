"""Whatever Terraform marks as sensitive never comes out, in whatever form it is nested."""

import itertools
import json
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.services.terraform.attributes import Side, differences

KEYS = st.sampled_from(["a", "b", "labels", "with.dot"])
FORMS = st.recursive(
    st.sampled_from(["word", "number", "null", "flag"]),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS, below, max_size=3),
    max_leaves=12,
)
MARKS = st.sampled_from([True, False, False])


@dataclass
class Marked:
    """A value marked at random, and the numbers in it: which are sensitive, and which are not."""

    side: Side
    hidden: set[str]
    open: set[str]


@st.composite
def marked(draw: st.DrawFn) -> Marked:
    # One of two beginnings, so that of two values the same number is open here and sensitive there at times.
    numbers = itertools.count(draw(st.sampled_from([10_000_000, 50_000_000])))
    found = Marked(Side(None), set(), set())

    def leaf(form: str, *, hidden: bool) -> Any:
        if form in ("null", "flag"):
            return None if form == "null" else True
        number = next(numbers)
        (found.hidden if hidden else found.open).add(str(number))
        return number if form == "number" else f"word {number}"

    def build(form: Any, *, hidden: bool) -> tuple[Any, Any]:
        is_marked = draw(MARKS)
        hidden = hidden or is_marked
        if isinstance(form, dict):
            parts = {key: build(below, hidden=hidden) for key, below in form.items()}
            marks = {key: part[1] for key, part in parts.items() if part[1] is not False}
            return {key: part[0] for key, part in parts.items()}, is_marked or marks
        if isinstance(form, list):
            listed = [build(below, hidden=hidden) for below in form]
            return [part[0] for part in listed], is_marked or [part[1] for part in listed]
        return leaf(form, hidden=hidden), is_marked

    found.side = Side(*build(draw(FORMS), hidden=False))
    return found


UNKNOWN = st.recursive(
    st.booleans(), lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS, below, max_size=3), max_leaves=6
)


@given(marked(), marked(), UNKNOWN)
def test_no_sensitive_value_comes_out(before: Marked, after: Marked, unknown: Any) -> None:
    told = json.dumps(differences(before.side, after.side, str, unknown))
    for secret in (before.hidden | after.hidden) - (before.open | after.open):
        assert secret not in told


@given(marked())
def test_the_same_twice_is_no_difference(value: Marked) -> None:
    assert differences(value.side, value.side, str) == []


@given(marked())
def test_what_came_and_what_went_are_told_alike(value: Marked) -> None:
    nothing = Side(None)
    came, went = differences(nothing, value.side, str), differences(value.side, nothing, str)
    assert [(found["path"], found["after"]) for found in came] == [(found["path"], found["before"]) for found in went]


def test_elements_of_a_list_are_added_and_removed_wherever_they_stand() -> None:
    found = differences(Side({"ranges": ["a", "b", "c"]}), Side({"ranges": ["new", "a", "c"]}), str)

    assert [(each["path"], each["before"], each["after"], each["note"]) for each in found] == [
        ("ranges", "b", None, "removed"),
        ("ranges", None, "new", "added"),
    ]


def test_another_order_of_a_list_is_a_difference_of_its_elements() -> None:
    found = differences(Side({"steps": ["a", "b"]}), Side({"steps": ["b", "a"]}), str)

    assert [each["path"] for each in found] == ["steps[0]", "steps[1]"]


def test_a_list_with_a_sensitive_element_is_compared_one_by_one() -> None:
    found = differences(Side(["a", "secret"], [False, True]), Side(["b", "other"], [False, True]), str)

    assert [(each["path"], each["note"]) for each in found] == [("[0]", None), ("[1]", "sensitive")]
