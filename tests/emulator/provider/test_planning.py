from typing import Any

import pytest

from emulator.provider.config import ProviderConfig
from emulator.provider.errors import ProviderError
from emulator.provider.planning import PlannedChange
from emulator.provider.values import UNKNOWN
from tests.emulator.provider.samples import DISK, FIREWALL, HERE, INSTANCE, applied, config, plan_change, plan_new


def plan_disk(prior: dict[str, Any] | None, provider: ProviderConfig = HERE, **said: Any) -> PlannedChange:
    return plan_change("google_compute_disk", DISK, prior, config(DISK, **said), provider)


def existing_disk(**said: Any) -> dict[str, Any]:
    return applied("google_compute_disk", DISK, config(DISK, **said))


def test_a_new_resource_gets_defaults_places_and_unknowns() -> None:
    planned = plan_disk(None, name="home").planned
    assert planned["type"] == "pd-standard"
    assert (planned["project"], planned["zone"]) == ("demo", "europe-west4-a")
    assert planned["deletion_policy"] == "DELETE"
    assert planned["size"] is UNKNOWN
    assert planned["snapshot"] is None


def test_without_a_default_place_it_is_unknown() -> None:
    assert plan_disk(None, ProviderConfig(), name="home").planned["zone"] is UNKNOWN


def test_nothing_said_differently_changes_nothing() -> None:
    disk = existing_disk(name="home", size=100)
    assert plan_disk(dict(disk), name="home", size=100) == PlannedChange(disk, [])


@pytest.mark.parametrize(("size", "replaces"), [(200, []), (50, [("size",)])])
def test_only_shrinking_replaces_a_disk(size: int, replaces: list[object]) -> None:
    assert plan_disk(existing_disk(name="home", size=100), name="home", size=size).requires_replace == replaces


def test_a_change_that_google_cannot_make_replaces() -> None:
    prior = existing_disk(name="home", type="pd-balanced")
    assert plan_disk(prior, name="home", type="pd-ssd").requires_replace == [("type",)]


def test_another_default_zone_replaces() -> None:
    moved = plan_disk(existing_disk(name="home"), ProviderConfig("demo", "europe-west4", "europe-west4-b"), name="home")
    assert moved.requires_replace == [("zone",)]


def test_another_spelling_of_a_link_is_no_change() -> None:
    prior = existing_disk(name="home", type="pd-ssd")
    link = "https://www.googleapis.com/compute/v1/projects/demo/zones/europe-west4-a/diskTypes/pd-ssd"
    made = plan_disk(prior, name="home", type=link)
    assert made.planned["type"] == "pd-ssd"
    assert made.requires_replace == []


def test_a_firewall_without_sources_is_refused_unless_it_is_for_egress() -> None:
    written = config(FIREWALL, name="f", network="default")
    with pytest.raises(ProviderError, match="must be defined"):
        plan_new("google_compute_firewall", FIREWALL, written)
    assert plan_new("google_compute_firewall", FIREWALL, written | {"direction": "EGRESS"})


BOOT_DISK = INSTANCE["block"]["blocks"]["boot_disk"]["block"]
BOOT_PARAMS = BOOT_DISK["blocks"]["initialize_params"]["block"]


def machine(**said: Any) -> dict[str, Any]:
    return config(INSTANCE, name="vm", machine_type="e2-standard-4", **said)


def plan_machine(prior: dict[str, Any] | None, **said: Any) -> PlannedChange:
    return plan_change("google_compute_instance", INSTANCE, prior, machine(**said))


def existing_machine(**said: Any) -> dict[str, Any]:
    return applied("google_compute_instance", INSTANCE, machine(**said))


def card(**said: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(INSTANCE["block"]["blocks"]["network_interface"]["block"]["attributes"])
    return nothing | {"access_config": [], "alias_ip_range": [], "ipv6_access_config": []} | said


def test_a_set_block_is_matched_by_what_it_says() -> None:
    rules = [{"protocol": "tcp", "ports": ["22"]}, {"protocol": "icmp", "ports": None}]
    written = config(FIREWALL, name="f", network="default", source_ranges=["10.0.0.0/8"], allow=rules)
    prior = applied("google_compute_firewall", FIREWALL, written)
    made = plan_change("google_compute_firewall", FIREWALL, prior, written | {"allow": rules[::-1]})
    assert made.planned["allow"] == rules[::-1]
    assert made.requires_replace == []


def test_a_boot_disk_changes_size_labels_and_fate_in_place_and_nothing_else() -> None:
    params: dict[str, Any] = {
        **dict.fromkeys(BOOT_PARAMS["attributes"]),
        **{name: [] for name in BOOT_PARAMS["blocks"]},
    }
    disk = {**dict.fromkeys(BOOT_DISK["attributes"]), "auto_delete": True}

    def of(size: int, kind: str, auto_delete: bool = True) -> list[dict[str, Any]]:
        said = params | {"size": size, "type": kind, "labels": {"of": str(size)}}
        return [disk | {"auto_delete": auto_delete, "initialize_params": [said]}]

    prior = existing_machine(boot_disk=of(50, "pd-balanced"))
    assert plan_machine(prior, boot_disk=of(80, "pd-balanced", auto_delete=False)).requires_replace == []
    replaced = plan_machine(prior, boot_disk=of(80, "pd-ssd")).requires_replace
    assert replaced == [("boot_disk", 0, "initialize_params", 0, "type")]


def test_what_the_cloud_computes_in_blocks_is_unknown_too() -> None:
    planned = plan_machine(None, network_interface=[card(network="default")]).planned
    assert planned["network_interface"][0]["network_ip"] is UNKNOWN
    assert planned["network_interface"][0]["queue_count"] is None


def test_a_block_that_the_cloud_filled_in_stays() -> None:
    prior = existing_machine() | {"scheduling": [{"preemptible": False}]}
    assert plan_machine(prior).planned["scheduling"] == [{"preemptible": False}]


def test_a_block_that_is_gone_replaces_where_google_cannot_change_it() -> None:
    prior = existing_machine(network_interface=[card(network="default"), card(network="other")])
    assert plan_machine(prior, network_interface=[card(network="default")]).requires_replace == [("network_interface",)]


def test_an_added_public_address_is_unknown_and_replaces_nothing() -> None:
    prior = existing_machine(network_interface=[card(network="default")])
    access = {"nat_ip": None, "network_tier": None, "public_ptr_domain_name": None}
    made = plan_machine(prior, network_interface=[card(network="default", access_config=[access])])
    assert made.planned["network_interface"][0]["access_config"][0]["nat_ip"] is UNKNOWN
    assert made.requires_replace == []


@pytest.mark.parametrize(
    ("said", "replaces"),
    [
        ({"network": "default", "network_ip": "10.0.0.9"}, [("network_interface", 0, "network_ip")]),
        ({"network": "other", "network_ip": "10.0.0.9"}, []),
        ({"network": "default", "nic_type": "GVNIC"}, [("network_interface", 0, "nic_type")]),
    ],
)
def test_a_machine_moves_to_another_network_but_not_to_another_address(said: dict[str, str], replaces: object) -> None:
    prior = existing_machine(network_interface=[card(network="default", network_ip="10.0.0.2")])
    assert plan_machine(prior, network_interface=[card(**said)]).requires_replace == replaces
