import ipaddress
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidError
from app.models.allowed_ip import AllowedIp, Network
from app.services.shared import ip_ranges


def networks(version: Literal[4, 6]) -> st.SearchStrategy[Network]:
    kinds: dict[int, tuple[type[Network], int]] = {4: (ipaddress.IPv4Network, 32), 6: (ipaddress.IPv6Network, 128)}
    kind, bits = kinds[version]
    prefixes = st.integers(0, bits) | st.sampled_from([0, 8, 15, 16, 23, 24, 31, 32])
    # Not the address itself: ipaddress then takes the prefix for a part of it.
    return st.builds(lambda at, prefix: kind((int(at), prefix), strict=False), st.ip_addresses(v=version), prefixes)


ANY = networks(4) | networks(6)
PRIVATE = [ipaddress.ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")]
SPECIAL_V4 = ["10.1.2.0/24", "172.31.0.0/24", "192.168.1.7", "127.0.0.1", "169.254.1.1", "100.64.0.1", "240.0.0.1"]
SPECIAL_V6 = ["::1", "fd00::/48", "fe80::1", "fec0::1", "4000::/48"]


def refusal(text: str) -> str:
    with pytest.raises(InvalidError) as caught:
        ip_ranges.read(text)
    assert caught.value.fields.keys() == {"cidr"}
    return caught.value.fields["cidr"]


def taken(text: str) -> Network | None:
    """The range, or None where a sentence at its field says why not."""
    try:
        return ip_ranges.read(text)
    except InvalidError as error:
        if error.fields.get("cidr", "").endswith("."):
            return None
        raise


@given(ANY)
def test_what_is_taken_is_neither_too_wide_nor_anything_that_nobody_comes_from(network: Network) -> None:
    if taken(str(network)):
        assert network.prefixlen >= {4: 16, 6: 32}[network.version]
        assert not any(address.is_multicast or address.is_unspecified for address in (network[0], network[-1]))


@given(ANY)
def test_what_is_taken_without_being_confirmed_is_of_the_internet_and_no_wider_than_a_site(network: Network) -> None:
    if taken(str(network)) and not ip_ranges.doubts(network):
        ends = (network[0], network[-1])
        assert network.prefixlen >= {4: 24, 6: 48}[network.version]
        assert not any(at.is_loopback or at.is_link_local or at.is_reserved or at.is_multicast for at in ends)
        assert not any(network.overlaps(private) for private in PRIVATE if private.version == network.version)


@given(st.text(max_size=80) | st.from_regex(r"[0-9a-f:.]{1,20}(/[0-9]{1,3})?", fullmatch=True) | ANY.map(str))
def test_whatever_is_typed_is_a_range_or_a_sentence(text: str) -> None:
    read = taken(text)
    assert read is None or taken(f" {read} ") == read


@given(ANY, ANY)
def test_one_contains_another_as_their_addresses_do(one: Network, other: Network) -> None:
    by_addresses = one.version == other.version and one[0] <= other[0] and other[-1] <= one[-1]  # type: ignore[operator]  # the same version
    assert AllowedIp(cidr=str(one)).contains(other) == by_addresses


@pytest.mark.parametrize("text", SPECIAL_V4 + SPECIAL_V6)
def test_what_is_not_of_the_internet_must_be_confirmed(text: str) -> None:
    assert ip_ranges.doubts(ip_ranges.read(text))


@pytest.mark.parametrize(
    "text",
    ["203.0.113.7", "203.0.113.0/24", "8.8.8.0/24", "2001:db8::/48", "2a00:1450:4001:81b::200e", "203.0.113.7/32"],
)
def test_addresses_and_ranges_of_a_site_need_no_confirmation(text: str) -> None:
    assert ip_ranges.doubts(ip_ranges.read(text)) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0.0.0.0/0", "allows everyone"),
        ("::/0", "allows everyone"),
        ("0.0.0.0", "not a valid source address"),
        ("::", "not a valid source address"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("255.255.255.255", "broadcast"),
        ("8.0.0.0/15", "too wide. Use /16"),
        ("2001::/31", "too wide"),
        ("203.0.113.7/24", "Enter 203.0.113.7 for the address or 203.0.113.0/24"),
        ("2001:db8::7/48", "or 2001:db8::/48 for the range"),
        ("fe80::1%eth0", "not an IP address"),
        ("203.0.113", "not an IP address"),
        ("203.0.113.07", "not an IP address"),
        ("203.0.113.7/33", "not an IP address"),
        ("٢٠٣.0.113.7", "not an IP address"),
        ("x\0", "not an IP address"),
        ("\ud800", "not an IP address"),
        ("", "Enter an address"),
    ],
)
def test_what_is_refused_says_why(text: str, said: str) -> None:
    assert said in refusal(text)


def test_a_wide_range_says_how_many_it_lets_in() -> None:
    assert ip_ranges.doubts(ip_ranges.read("8.8.0.0/16")) == ["8.8.0.0/16 is wide: 65,536 addresses."]
    assert "more than a typical site" in ip_ranges.doubts(ip_ranges.read("2a00:1450::/32"))[0]


def test_ipv4_as_ipv6_writes_it_is_ipv4() -> None:
    assert str(ip_ranges.read("::ffff:203.0.113.7")) == "203.0.113.7/32"
    assert "allows everyone" in refusal("::ffff:0:0/96")


def test_the_address_of_a_client_is_known_or_not() -> None:
    assert str(ip_ranges.of_client("203.0.113.7")) == "203.0.113.7/32"
    assert str(ip_ranges.of_client("::ffff:203.0.113.7")) == "203.0.113.7/32"
    assert str(ip_ranges.of_client("fe80::1%eth0")) == "fe80::1/128"
    assert [ip_ranges.of_client(host) for host in ("unknown", "", "testclient")] == [None] * 3
