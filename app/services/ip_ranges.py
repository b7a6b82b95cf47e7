"""Ranges of addresses as people type them: which are taken as they are, which must be confirmed, which are refused."""

import ipaddress

from app.errors import InvalidError
from app.models.allowed_ip import Network

LONGEST = 60
"""Characters of a range: an IPv6 address with a mask has fewer."""
WIDEST = {4: 16, 6: 32}
"""Prefix lengths; whatever is wider is refused."""
WIDEST_UNCONFIRMED = {4: 24, 6: 48}
"""What one office or one site has, as a rule."""
EVERYBODY = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))

_NOBODY = {
    "0.0.0.0/8": "is no address that anybody comes from.",
    "::/128": "is no address that anybody comes from.",
    "224.0.0.0/4": "is for multicast: nobody comes from there.",
    "ff00::/8": "is for multicast: nobody comes from there.",
    "255.255.255.255/32": "is for broadcast: nobody comes from there.",
}
_PRIVATE = "is private: only machines of the project's own networks can come from there, and nobody from the Internet."
_NOT_PUBLIC = {
    "10.0.0.0/8": _PRIVATE,
    "172.16.0.0/12": _PRIVATE,
    "192.168.0.0/16": _PRIVATE,
    "fc00::/7": _PRIVATE,
    "127.0.0.0/8": "is loopback: only programs on the server itself come from there.",
    "::1/128": "is loopback: only programs on the server itself come from there.",
    "169.254.0.0/16": "is link-local: only machines on the server's own wire come from there.",
    "fe80::/10": "is link-local: only machines on the server's own wire come from there.",
    "100.64.0.0/10": "is what providers share among their customers: on the Internet they come from another address.",
    "240.0.0.0/4": "is reserved: nobody on the Internet has it.",
}
# From RFC 4291 and the registries of IANA. Ranges for documentation are taken like others: nobody has them.
_INTERNET_V6 = ipaddress.IPv6Network("2000::/3")
_MAPPED_V4 = ipaddress.IPv6Network("::ffff:0:0/96")


def read(text: str) -> Network:
    """A range or a single address. Raises InvalidError, at the field `cidr`, for what is none or is refused.

    An address inside a range (203.0.113.7/24) is refused, with the two things that it may mean.
    """
    network = _parsed(text.strip())
    if network in EVERYBODY:
        raise _misfit(f"{network} is everybody. Name the ranges that people come from.")
    for nobody, why in _NOBODY.items():
        if network.overlaps(ipaddress.ip_network(nobody)):
            raise _misfit(f"{network} {why}")
    if network.prefixlen < WIDEST[network.version]:
        widest, usual = WIDEST[network.version], WIDEST_UNCONFIRMED[network.version]
        raise _misfit(f"{network} is too wide: use /{widest} or narrower, such as /{usual}.")
    return network


def doubts(network: Network) -> list[str]:
    """Why it must be confirmed; empty for what is taken as it is."""
    found = [f"{network} {why}" for known, why in _NOT_PUBLIC.items() if network.overlaps(ipaddress.ip_network(known))]
    if isinstance(network, ipaddress.IPv6Network) and not found and not network.overlaps(_INTERNET_V6):
        found.append(f"{network} is reserved: nobody on the Internet has it.")
    if network.prefixlen < WIDEST_UNCONFIRMED[network.version]:
        size = f"{network.num_addresses:,} addresses" if network.version == 4 else "more than one site has (/48)"
        found.append(f"{network} is wide: {size}.")
    return found


def of_client(host: str) -> Network | None:
    """The range that is just the address that a request came from; None for what is no address, such as a socket's."""
    try:
        return _unmapped(ipaddress.ip_network(host.partition("%")[0]))
    except ValueError:
        return None


def _parsed(text: str) -> Network:
    if not text:
        raise _misfit("Give an address, such as 203.0.113.7, or a range, such as 203.0.113.0/24 or 2001:db8::/48.")
    # ipaddress takes fe80::1%eth0 for an address: a zone means something on one computer only.
    if len(text) > LONGEST or "%" in text or not text.isprintable():
        raise _misfit("This is no address. Write it like 203.0.113.7, 203.0.113.0/24 or 2001:db8::/48.")
    try:
        return _unmapped(ipaddress.ip_network(text))
    except ValueError:
        pass
    try:
        meant = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise _misfit(f"{text} is no address. Write it like 203.0.113.7, 203.0.113.0/24 or 2001:db8::/48.") from None
    address = text.partition("/")[0]
    raise _misfit(f"{text} is an address in a range: write {address} for it alone, or {meant} for the range.")


def _unmapped(network: Network) -> Network:
    """IPv4 as IPv6 writes it (::ffff:203.0.113.7) is IPv4: firewalls know it by no other form."""
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED_V4):
        return ipaddress.IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - 96))
    return network


def _misfit(sentence: str) -> InvalidError:
    return InvalidError("The range does not fit.", fields={"cidr": sentence})
