"""Failed sign-ins and tokens of each address, counted in the process's memory."""

import ipaddress

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from app.clock import Clock
from app.config import Settings

PREFIX_OF_ONE = 64
"""Bits of an IPv6 address that tell customers apart; whoever has one /64 has all its addresses."""


class FailedSignIns:
    """How many an address may have in a period, by the settings."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._limit = RateLimitItemPerSecond(settings.failed_sign_in_limit, settings.failed_sign_in_seconds)
        self._counter = FixedWindowRateLimiter(MemoryStorage())
        self._clock = clock

    async def count(self, address: str) -> int | None:
        """Count one more; once there are too many, the seconds until the count begins anew."""
        who = _network(address)
        if await self._counter.hit(self._limit, who):
            return None
        ends_at = (await self._counter.get_window_stats(self._limit, who)).reset_time
        return max(1, round(ends_at - self._clock().timestamp()))


def _network(address: str) -> str:
    """Whom the address belongs to; what is no address, such as that of a socket in the file system, as it is."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ipaddress.ip_network((int(parsed), PREFIX_OF_ONE), strict=False))
