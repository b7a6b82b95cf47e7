"""Google's firewall, as far as it decides who may connect to a machine's port."""

import ipaddress
from collections.abc import Iterable

from emulator.core.ids import last, project_of
from emulator.core.project_settings import ProjectSettings
from emulator.core.store import CloudResource, Json, Store
from emulator.rules.network import DEFAULT, FIREWALL

DEFAULT_PRIORITY = 1000
SSH_PORT = 22
LAST_PRIORITY = 65534
"""The priority of rules that Google creates with the network `default`."""


def allows(store: Store, instance: CloudResource, client: str, port: int) -> bool:
    """Whether this address may open a TCP connection: the matching rule with the lowest number decides.

    Of rules with one number a deny comes first, as at Google. Rules that go by service accounts or by tags of the
    sender are not for connections from outside, and allow nothing.
    """
    rules = [rule for rule in store.all(FIREWALL) if _concerns(rule, instance) and _is_from(rule.state, client)]
    verdicts = [
        (int(rule.state.get("priority") or DEFAULT_PRIORITY), action == "allow")
        for rule in rules
        for action in ("deny", "allow")
        if any(_opens(block, port) for block in rule.state.get(action) or [])
    ]
    if port == SSH_PORT and DEFAULT in _networks(instance) and ProjectSettings.of(store).default_allow_ssh:
        verdicts.append((LAST_PRIORITY, True))
    return bool(verdicts) and min(verdicts)[1]


def _concerns(rule: CloudResource, instance: CloudResource) -> bool:
    state = rule.state
    if state.get("disabled") or (state.get("direction") or "INGRESS") != "INGRESS":
        return False
    if state.get("target_service_accounts") or project_of(rule.id) != project_of(instance.id):
        return False
    targets = set(state.get("target_tags") or [])
    tagged = not targets or bool(targets & set(instance.state.get("tags") or []))
    return tagged and last(str(state.get("network") or "")) in _networks(instance)


def _networks(instance: CloudResource) -> set[str]:
    cards = instance.state.get("network_interface") or []
    return {last(str(card.get("network") or "default")) for card in cards}


def _is_from(state: Json, client: str) -> bool:
    address = ipaddress.ip_address(client)
    return any(address in ipaddress.ip_network(each, strict=False) for each in state.get("source_ranges") or [])


def _opens(block: Json, port: int) -> bool:
    """Whether an allow or deny block includes the port. One without ports includes all."""
    protocol, ports = str(block.get("protocol")).lower(), block.get("ports") or []
    return protocol in ("tcp", "6", "all") and (not ports or _covers(ports, port))


def _covers(ranges: Iterable[str], port: int) -> bool:
    for text in ranges:
        first, _, end = str(text).partition("-")
        if int(first) <= port <= int(end or first):
            return True
    return False
