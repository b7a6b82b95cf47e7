import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.provider.values import UNKNOWN, conform, has_unknown, pack, unpack

BLOCK = {
    "attributes": {
        "flag": {"type": "bool", "is": "o"},
        "name": {"type": "string", "is": "r"},
        "ports": {"type": ["list", "number"], "is": "o"},
        "tags": {"type": ["map", "string"], "is": "o"},
        "things": {"type": ["list", ["object", {"size": "number"}]], "is": "c"},
    },
    "blocks": {
        "rule": {"nesting": "list", "block": {"attributes": {"x": {"type": "string", "is": "o"}}, "blocks": {}}},
        "timeouts": {"nesting": "single", "block": {"attributes": {}, "blocks": {}}},
    },
}
leaves = st.one_of(st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.text(max_size=20), st.just(UNKNOWN))
values = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner), max_leaves=20
)


@given(values)
def test_values_survive_the_wire(value: object) -> None:
    assert unpack(pack(value)) == value


def test_json_values_are_read_too() -> None:
    assert unpack({"json": b'{"a": 1}'}) == {"a": 1}
    assert unpack({}) is None


def test_what_terraform_has_no_value_for_is_refused() -> None:
    with pytest.raises(TypeError, match="no value for a object"):
        pack(object())


def test_an_unknown_is_found_at_any_depth() -> None:
    assert has_unknown({"a": [{"b": UNKNOWN}]})
    assert not has_unknown({"a": [{"b": None}]})


def test_conforming_adds_what_is_missing_and_drops_what_is_not_in_the_schema() -> None:
    assert conform(BLOCK, {"name": "n", "rule": [{"x": "1", "y": "2"}], "stranger": 1}) == {
        "flag": None,
        "name": "n",
        "ports": None,
        "tags": None,
        "things": None,
        "rule": [{"x": "1"}],
        "timeouts": None,
    }


def test_conforming_turns_text_into_numbers_and_back() -> None:
    made = conform(
        BLOCK, {"name": 5, "flag": "true", "ports": ["22", "1.5"], "things": [{"size": "7"}], "tags": {"a": 1}}
    )
    assert (made["name"], made["flag"], made["ports"]) == ("5", True, [22, 1.5])
    assert (made["things"], made["tags"]) == ([{"size": 7}], {"a": "1"})


def test_nothing_and_unknown_stay_what_they_are() -> None:
    assert conform(BLOCK, None) is None
    assert conform(BLOCK, {"rule": UNKNOWN, "ports": UNKNOWN})["rule"] is UNKNOWN
