"""IP addresses: public ones are simulated by 127.0.0.0/8, which on Linux leads to this computer."""

import ipaddress
import random

from emulator.core.errors import CloudError
from emulator.core.ids import ADDRESS, INSTANCE, region_of
from emulator.core.store import Store

# 127.64.0.0 to 127.126.255.255, which other programs do not usually use.
FIRST, BEYOND = 64 << 16, 127 << 16
CONTAINER_NETWORK = "127.77.0."
REGION_NETWORKS = {"us-central1": "10.128.0.0", "europe-west4": "10.164.0.0"}


class AddressBook:
    """Allocates addresses. Each store starts at a random one, so that two clones of the project do not collide."""

    def __init__(self, store: Store, *, in_container: bool) -> None:
        self._store = store
        self._in_container = in_container

    def public(self) -> str:
        """A free address. Recently released ones are avoided, since SSH clients still know their host keys."""
        taken = self._taken()
        if self._in_container:
            # There are only a few published ports, so the lowest free address is used again.
            for n in range(1, 255):
                if f"{CONTAINER_NETWORK}{n}" not in taken:
                    return f"{CONTAINER_NETWORK}{n}"
            raise CloudError(403, "Quota 'IN_USE_ADDRESSES' exceeded.  Limit: 254.0.", "quotaExceeded")
        while True:
            address = self._next()
            if address not in taken:
                return address

    def internal(self, zone_or_region: str) -> str:
        region = zone_or_region if zone_or_region in REGION_NETWORKS else region_of(zone_or_region)
        network = int(ipaddress.IPv4Address(REGION_NETWORKS.get(region, "10.132.0.0")))
        number = int(self._store.fact("internal_addresses") or 2)
        self._store.set_fact("internal_addresses", str(number + 1))
        return str(ipaddress.IPv4Address(network + number % 4000 + 2))

    def _next(self) -> str:
        fact = self._store.fact("next_address")
        number = int(fact) if fact else random.randrange(FIRST, BEYOND)  # noqa: S311 - not a secret
        while number % 256 in (0, 255) or number >= BEYOND:
            number = number + 1 if number < BEYOND else FIRST
        self._store.set_fact("next_address", str(number + 1))
        return str(ipaddress.IPv4Address((127 << 24) + number))

    def _taken(self) -> set[str]:
        static = {str(resource.state.get("address")) for resource in self._store.all(ADDRESS)}
        return static | {str(resource.cloud.get("nat_ip")) for resource in self._store.all(INSTANCE)}
