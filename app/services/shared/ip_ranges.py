"""IP ranges as people type them: which are accepted, which require a confirmation, and which are rejected."""

import ipaddress

from app.errors import InvalidError
from app.models.allowed_ip import Network

LONGEST = 60
"""Characters in a range; an IPv6 address with a mask has fewer."""
WIDEST = {4: 16, 6: 32}
"""Shortest prefix by IP version; wider ranges are rejected."""
WIDEST_UNCONFIRMED = {4: 24, 6: 48}
"""Shortest prefix that needs no confirmation: what one office or site usually has."""
EXAMPLES = "203.0.113.7, 203.0.113.0/24 or 2001:db8::/48"
EVERYBODY = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))

_NOBODY = {
    "0.0.0.0/8": "is not a valid source address.",
    "::/128": "is not a valid source address.",
    "224.0.0.0/4": "is a multicast range.",
    "ff00::/8": "is a multicast range.",
    "255.255.255.255/32": "is the broadcast address.",
}
_PRIVATE = "is private: only machines in the project's own networks can use it, not computers on the Internet."
_NOT_PUBLIC = {
    "10.0.0.0/8": _PRIVATE,
    "172.16.0.0/12": _PRIVATE,
    "192.168.0.0/16": _PRIVATE,
    "fc00::/7": _PRIVATE,
    "127.0.0.0/8": "is a loopback range: only programs on the server itself use it.",
    "::1/128": "is a loopback range: only programs on the server itself use it.",
    "169.254.0.0/16": "is a link-local range: only machines on the server's own network use it.",
    "fe80::/10": "is a link-local range: only machines on the server's own network use it.",
    "100.64.0.0/10": "is shared by customers of a provider (CGNAT): on the Internet, they have another address.",
    "240.0.0.0/4": "is reserved and not used on the Internet.",
}
# From RFC 4291 and IANA's registries. Ranges for documentation are accepted, since nobody uses them.
_INTERNET_V6 = ipaddress.IPv6Network("2000::/3")
_MAPPED_V4 = ipaddress.IPv6Network("::ffff:0:0/96")


def read(text: str) -> Network:
    """A range or a single address, from text. Raises InvalidError, at the field `cidr`, if it is neither or rejected.

    An address within a range (203.0.113.7/24) is rejected, because it may mean the address or the range.
    """
    network = _parsed(text.strip())
    if network in EVERYBODY:
        raise _invalid(f"{network} allows everyone. Enter the ranges that people connect from.")
    for nobody, why in _NOBODY.items():
        if network.overlaps(ipaddress.ip_network(nobody)):
            raise _invalid(f"{network} {why}")
    if network.prefixlen < WIDEST[network.version]:
        widest, usual = WIDEST[network.version], WIDEST_UNCONFIRMED[network.version]
        raise _invalid(f"{network} is too wide. Use /{widest} or narrower, such as /{usual}.")
    return network


def doubts(network: Network) -> list[str]:
    """Reasons to ask for a confirmation; empty if none is needed."""
    found = [f"{network} {why}" for known, why in _NOT_PUBLIC.items() if network.overlaps(ipaddress.ip_network(known))]
    if isinstance(network, ipaddress.IPv6Network) and not found and not network.overlaps(_INTERNET_V6):
        found.append(f"{network} is reserved and not used on the Internet.")
    if network.prefixlen < WIDEST_UNCONFIRMED[network.version]:
        size = f"{network.num_addresses:,} addresses" if network.version == 4 else "more than a typical site (/48)"
        found.append(f"{network} is wide: {size}.")
    return found


def of_client(host: str) -> Network | None:
    """The address that a request came from, as a range; None if it is not an IP address, as for a Unix socket."""
    try:
        return _unmapped(ipaddress.ip_network(host.partition("%")[0]))
    except ValueError:
        return None


def _parsed(text: str) -> Network:
    if not text:
        raise _invalid(f"Enter an address or a range, such as {EXAMPLES}.")
    # ipaddress accepts fe80::1%eth0, but a zone has a meaning on one computer only.
    if len(text) > LONGEST or "%" in text or not text.isprintable():
        raise _invalid(f"This is not an IP address or range. Use a form such as {EXAMPLES}.")
    try:
        return _unmapped(ipaddress.ip_network(text))
    except ValueError:
        pass
    try:
        meant = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise _invalid(f"{text} is not an IP address or range. Use a form such as {EXAMPLES}.") from None
    address = text.partition("/")[0]
    raise _invalid(f"{text} is an address within a range. Enter {address} for the address or {meant} for the range.")


def _unmapped(network: Network) -> Network:
    """An IPv4 address in IPv6 form (::ffff:203.0.113.7) as IPv4, which is the only form that firewalls know."""
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED_V4):
        return ipaddress.IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - 96))
    return network


def _invalid(sentence: str) -> InvalidError:
    return InvalidError("Invalid IP address or range.", fields={"cidr": sentence})
