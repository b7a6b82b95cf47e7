"""Networks, and what lies in them. Every project has the network `default`."""

import ipaddress
from collections.abc import Iterator

from ..errors import CloudError, in_use, invalid_field, not_found
from ..ids import last, relative
from ..store import CloudObject, Json
from .kind import Kind, World

CONNECTION = "google_service_networking_connection"
FIREWALL = "google_compute_firewall"
GLOBAL_ADDRESS = "google_compute_global_address"
NETWORK = "google_compute_network"
PEERING = "google_compute_network_peering"
ROUTER = "google_compute_router"
SQL_INSTANCE = "google_sql_database_instance"
SUBNETWORK = "google_compute_subnetwork"
IN_NETWORKS = (CONNECTION, FIREWALL, GLOBAL_ADDRESS, PEERING, ROUTER, SUBNETWORK)
DEFAULT = "default"


class NetworkKind(Kind):
    def check_delete(self, world: World, thing: CloudObject) -> None:
        for user in _things_in(world, last(thing.id)):
            raise in_use("network", thing.id, user.id)


class InNetworkKind(Kind):
    """What is made in a network that has to be there."""

    def check(self, world: World, thing: CloudObject) -> None:
        for name in ("network", "peer_network"):
            if network := thing.state.get(name):
                check_network(world, str(network))


class FirewallKind(InNetworkKind):
    def check(self, world: World, thing: CloudObject) -> None:
        super().check(world, thing)
        _check_ranges(thing.state)

    def check_update(self, world: World, thing: CloudObject, state: Json) -> None:
        _check_ranges(state)


class ConnectionKind(InNetworkKind):
    """Private service access: Google's services at addresses of a range that was set aside for them."""

    def check(self, world: World, thing: CloudObject) -> None:
        super().check(world, thing)
        there = {last(address.id) for address in world.store.all(GLOBAL_ADDRESS)}
        for name in thing.state.get("reserved_peering_ranges") or ():
            if name not in there:
                raise not_found(f"projects/{world.project}/global/addresses/{name}")

    def check_delete(self, world: World, thing: CloudObject) -> None:
        if any(network == last(str(thing.state.get("network"))) for network in _networks_of_databases(world)):
            why = "Producer services (e.g. CloudSQL, Cloud Memstore, etc.) are still using this connection."
            raise CloudError(400, f"Failed to delete connection; {why}", "failedPrecondition")


def check_network(world: World, network: str) -> None:
    """Raises CloudError for one that is not there."""
    if last(network) != DEFAULT and all(last(each.id) != last(network) for each in world.store.all(NETWORK)):
        id_ = relative(network) if "/" in network else f"projects/{world.project}/global/networks/{network}"
        raise not_found(id_)


def is_connected(world: World, network: str) -> bool:
    """Whether Google's services can have addresses in it."""
    return any(last(str(each.state.get("network"))) == last(network) for each in world.store.all(CONNECTION))


def private_network(state: Json) -> str:
    """Short name of the network that a database has an address in; empty for none."""
    [settings] = state.get("settings") or [{}]
    [configuration] = settings.get("ip_configuration") or [{}]
    return last(str(configuration.get("private_network") or ""))


def _networks_of_databases(world: World) -> list[str]:
    return [private_network(database.state) for database in world.store.all(SQL_INSTANCE)]


def _things_in(world: World, network: str) -> Iterator[CloudObject]:
    for type_ in IN_NETWORKS:
        for thing in world.store.all(type_):
            if last(str(thing.state.get("network") or "")) == network:
                yield thing


def _check_ranges(state: Json) -> None:
    """Each a CIDR, and all of one family."""
    ranges = state.get("source_ranges") or []
    try:
        versions = {ipaddress.ip_network(range_).version for range_ in ranges}
    except ValueError as error:
        raise invalid_field("resource.sourceRanges", ", ".join(ranges), str(error)) from error
    if len(versions) > 1:
        why = "A rule takes either IPv4 or IPv6 ranges."
        raise invalid_field("resource.sourceRanges", ", ".join(ranges), why)
