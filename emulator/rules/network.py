"""Networks, and what lies in them. Every project has the network `default`."""

import ipaddress
from collections.abc import Iterator

from emulator.core.errors import CloudError, in_use, invalid_field, not_found
from emulator.core.ids import last, relative
from emulator.core.store import CloudResource, Json
from emulator.rules.base import Context, Rules
from emulator.rules.deleted_databases import is_connection_kept

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


class NetworkRules(Rules):
    def check_delete(self, context: Context, resource: CloudResource) -> None:
        for user in _resources_in(context, last(resource.id)):
            raise in_use("network", resource.id, user.id)


class InNetworkRules(Rules):
    """What is made in a network that has to be there."""

    def check(self, context: Context, resource: CloudResource) -> None:
        for name in ("network", "peer_network"):
            if network := resource.state.get(name):
                check_network(context, str(network))


class FirewallRules(InNetworkRules):
    def check(self, context: Context, resource: CloudResource) -> None:
        super().check(context, resource)
        _check_ranges(resource.state)

    def check_update(self, context: Context, resource: CloudResource, state: Json) -> None:
        _check_ranges(state)


class ConnectionRules(InNetworkRules):
    """Private service access: Google's services at addresses of a range that was set aside for them."""

    idempotent = True

    def check(self, context: Context, resource: CloudResource) -> None:
        super().check(context, resource)
        there = {last(address.id) for address in context.store.all(GLOBAL_ADDRESS)}
        for name in resource.state.get("reserved_peering_ranges") or ():
            if name not in there:
                raise not_found(f"projects/{context.project}/global/addresses/{name}")

    def check_again(self, context: Context, resource: CloudResource, state: Json) -> None:
        if state.get("reserved_peering_ranges") != resource.state.get("reserved_peering_ranges"):
            why = "Cannot modify allocated ranges in CreateConnection. Please use UpdateConnection."
            raise CloudError(400, why, "failedPrecondition")

    def check_delete(self, context: Context, resource: CloudResource) -> None:
        network = last(str(resource.state.get("network")))
        if network in _networks_of_databases(context) or is_connection_kept(context, network):
            why = "Producer services (e.g. CloudSQL, Cloud Memstore, etc.) are still using this connection."
            text = f"Failed to delete connection; {why}"
            waiting = "Unable to remove Service Networking Connection, err: Error waiting for Delete Service Networking"
            raise CloudError(
                400, text, "failedPrecondition", raw=f"{waiting} Connection: Error code 9, message: {text}"
            )


def check_network(context: Context, network: str) -> None:
    """Raises CloudError for one that is not there."""
    if last(network) != DEFAULT and all(last(each.id) != last(network) for each in context.store.all(NETWORK)):
        id_ = relative(network) if "/" in network else f"projects/{context.project}/global/networks/{network}"
        raise not_found(id_)


def is_connected(context: Context, network: str) -> bool:
    """Whether Google's services can have addresses in it."""
    return any(last(str(each.state.get("network"))) == last(network) for each in context.store.all(CONNECTION))


def private_network(state: Json) -> str:
    """Short name of the network that a database has an address in; empty for none."""
    [settings] = state.get("settings") or [{}]
    [configuration] = settings.get("ip_configuration") or [{}]
    return last(str(configuration.get("private_network") or ""))


def _networks_of_databases(context: Context) -> list[str]:
    return [private_network(database.state) for database in context.store.all(SQL_INSTANCE)]


def _resources_in(context: Context, network: str) -> Iterator[CloudResource]:
    for type_ in IN_NETWORKS:
        for resource in context.store.all(type_):
            if last(str(resource.state.get("network") or "")) == network:
                yield resource


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
