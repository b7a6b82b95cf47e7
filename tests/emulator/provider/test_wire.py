import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.provider.wire import UnreadableMessageError, decode, encode

texts = st.text(max_size=300)
numbers = st.integers(min_value=0, max_value=2**63 - 1)


@given(
    st.lists(
        st.one_of(st.fixed_dictionaries({"attribute_name": texts}), st.fixed_dictionaries({"element_key_int": numbers}))
    )
)
def test_messages_survive_the_wire(steps: list[dict[str, object]]) -> None:
    message = {"severity": 1, "summary": "s", "attribute": {"steps": steps}}
    assert decode("Diagnostic", encode("Diagnostic", message)) == message


def test_bytes_are_those_of_protobuf() -> None:
    # From the format's own documentation: field 2 as text "testing", field 1 as the number 150.
    assert encode("Diagnostic", {"severity": 150, "summary": "testing"}) == bytes.fromhex("089601120774657374696e67")


def test_an_absent_field_is_missing_and_a_repeated_one_empty() -> None:
    assert decode("PlanReply", b"") == {"requires_replace": [], "diagnostics": []}


def test_fields_of_newer_terraforms_are_skipped() -> None:
    known = encode("StopReply", {"error": "e"})
    assert decode("StopReply", bytes([0x7A, 2, 1, 1]) + known) == {"error": "e"}
    assert decode("StopReply", bytes([0x7D, 1, 2, 3, 4]) + known) == {"error": "e"}


@pytest.mark.parametrize("cut", [b"\x0a\x05ab", b"\x0a", b"\x80", b"\x0b"])
def test_a_torn_message_is_refused(cut: bytes) -> None:
    with pytest.raises(UnreadableMessageError):
        decode("StopReply", cut)
