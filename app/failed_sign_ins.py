"""Counts failed sign-ins and tokens of each IP address, in the memory of the process."""

import ipaddress

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from app.clock import Clock
from app.config import Settings

PREFIX_OF_ONE = 64
"""The part of an IPv6 address that identifies a customer, in bits. A customer usually has all addresses of a /64."""


class FailedSignIns:
    """Limits failures per IP address and period."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._limit = RateLimitItemPerSecond(settings.failed_sign_in_limit, settings.failed_sign_in_seconds)
        self._counter = FixedWindowRateLimiter(MemoryStorage())
        self._clock = clock

    async def count(self, address: str) -> int | None:
        """Count a failure. Once there are too many, returns the seconds until the count is reset; None before."""
        who = _network(address)
        if await self._counter.hit(self._limit, who):
            return None
        ends_at = (await self._counter.get_window_stats(self._limit, who)).reset_time
        return max(1, round(ends_at - self._clock().timestamp()))


def _network(address: str) -> str:
    """The address or, for IPv6, its network. Other texts, such as the name of a Unix socket, are returned as they
    are."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    # A server that listens on IPv6 sees IPv4 clients in this form.
    return str(parsed.ipv4_mapped or ipaddress.ip_network((int(parsed), PREFIX_OF_ONE), strict=False))
