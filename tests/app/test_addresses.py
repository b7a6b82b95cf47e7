import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import addresses


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ada@example.com", "ada@example.com"),
        ("Ada.Lovelace+x@Example.COM", "ada.lovelace+x@example.com"),
        ("eve@elsewhere.test", "eve@elsewhere.test"),
        ("ada@xn--exmple-cua.com", "ada@xn--exmple-cua.com"),
    ],
)
def test_an_address_is_written_in_one_way(text: str, address: str) -> None:
    assert addresses.parse(text) == address


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "ada",
            "ada@",
            "@example.com",
            "ada@example",
            "a@b@example.com",
            "ada@example.com\n",
            "\nada@example.com",
        ),
        *("ada@exa\nmple.com", "ada @example.com", "ada@example.com,eve@x.com", '"ada"@example.com', "ada@[127.0.0.1]"),
        *(
            "a\0@example.com",
            "\u212aarl@example.com",
            "gra\u017fe@example.com",
            "ada@\uff45xample.com",
            "ada@x.invalid",
        ),
        *("ada@example\u3002com", "x" * 65 + "@example.com", "ada@" + "x" * 300 + ".com", "<ada@example.com>"),
    ],
    ids=ascii,
)
def test_what_is_none_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        addresses.parse(text)


@given(st.emails() | st.text())
def test_what_is_an_address_stays_the_same_however_often_it_is_read(text: str) -> None:
    if addresses.is_address(text):
        address = addresses.parse(text)
        assert address == addresses.parse(address) == text.lower()
        assert address.isascii()
        assert address.isprintable()
        assert address.count("@") == 1
