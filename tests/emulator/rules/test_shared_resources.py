"""What keeps networks, databases and buckets from being made too early, or from going too soon."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.emulator.world import PROJECT, World, refused

NETWORK = f"projects/{PROJECT}/global/networks/team"
CONNECTION = f"{NETWORK}:servicenetworking.googleapis.com"
DATABASE, OTHER = f"projects/{PROJECT}/instances/postgres", f"projects/{PROJECT}/instances/other"


@pytest.fixture
def network(world: World) -> Iterator[str]:
    world.create("google_compute_network", NETWORK, {"name": "team"})
    yield NETWORK
    world.delete("google_compute_network", NETWORK)


def database(**settings: Any) -> dict[str, Any]:
    private = {"ip_configuration": [{"private_network": NETWORK}]}
    return {"name": "postgres", "settings": [private | settings]}


def firewall(world: World, name: str, **state: Any) -> str:
    id_ = f"projects/{PROJECT}/global/firewalls/{name}"
    world.create("google_compute_firewall", id_, {"name": name, "network": "default", **state})
    return id_


def test_a_network_has_to_be_there_and_stays_while_it_is_used(world: World, network: str) -> None:
    nowhere = refused(lambda: firewall(world, "open", network="projects/p/global/networks/nowhere"))
    assert nowhere["message"] == "The resource 'projects/p/global/networks/nowhere' was not found"
    rule = firewall(world, "open", network=network)
    in_use = refused(lambda: world.delete("google_compute_network", network))
    assert in_use["message"] == f"The network resource '{network}' is already being used by '{rule}'"
    world.delete("google_compute_firewall", rule)


@pytest.mark.parametrize("ranges", [["203.0.113.7/32", "2001:db8::/48"], ["203.0.113.7/24"], ["everywhere"]])
def test_a_firewall_takes_ranges_of_one_family(world: World, ranges: list[str]) -> None:
    assert "resource.sourceRanges" in refused(lambda: firewall(world, "odd", source_ranges=ranges))["message"]
    rule = firewall(world, "even", source_ranges=["203.0.113.7/32"])
    change = {"name": "even", "source_ranges": ranges}
    assert "sourceRanges" in refused(lambda: world.update("google_compute_firewall", rule, change))["message"]
    world.delete("google_compute_firewall", rule)


def test_a_database_wants_a_connection_and_the_connection_a_range(world: World, network: str) -> None:
    early = refused(lambda: world.create("google_sql_database_instance", DATABASE, database()))
    assert "SERVICE_NETWORKING_NOT_ENABLED" in early["message"]
    said = {"network": network, "reserved_peering_ranges": ["range"]}
    kind = "google_service_networking_connection"
    assert "addresses/range" in refused(lambda: world.create(kind, CONNECTION, said))["message"]

    range_ = f"projects/{PROJECT}/global/addresses/range"
    world.create("google_compute_global_address", range_, {"network": network})
    world.create(kind, CONNECTION, said)
    world.create("google_sql_database_instance", DATABASE, database())
    assert "still using this connection" in refused(lambda: world.delete(kind, CONNECTION))["message"]

    world.create(kind, CONNECTION, said)
    assert (
        "Cannot modify allocated ranges"
        in refused(lambda: world.create(kind, CONNECTION, {"network": network}))["message"]
    )

    world.delete("google_sql_database_instance", DATABASE)
    kept = refused(lambda: world.delete(kind, CONNECTION))
    assert "Error waiting for Delete Service Networking Connection: Error code 9, message: Failed to" in kept["raw"]
    world.emulator.fault("vanish", type=kind)
    world.delete("google_compute_global_address", range_)


def test_a_protected_database_stays_and_another_takes_its_users_along(world: World) -> None:
    kind, user = "google_sql_database_instance", "mlflow//other"
    assert refused(lambda: world.create("google_sql_user", user, {"instance": "other"}))["status"] == 404
    world.create(kind, OTHER, {"settings": [{"deletion_protection_enabled": True}]})
    world.create("google_sql_user", user, {"instance": "other"})
    world.create("google_sql_user", user, {"instance": "other"})
    assert "protected" in refused(lambda: world.delete(kind, OTHER))["message"]
    world.update(kind, OTHER, {"settings": [{"deletion_protection_enabled": False}]})
    world.delete(kind, OTHER)
    assert refused(lambda: world.read("google_sql_user", user))["status"] == 404


def test_a_bucket_goes_with_its_objects_only_when_told_to(world: World) -> None:
    kind, thing = "google_storage_bucket", "google_storage_bucket_object"
    world.create(kind, "data", {"name": "data", "force_destroy": False})
    again = refused(lambda: world.create(kind, "data", {"name": "data"}))
    assert (again["status"], again["reason"]) == (409, "conflict")
    assert again["message"].endswith("you already own it.")
    world.create(thing, "data-weights", {"bucket": "data"})
    assert "without `force_destroy` set to true" in refused(lambda: world.delete(kind, "data"))["raw"]
    world.update(kind, "data", {"name": "data", "force_destroy": True})
    world.delete(kind, "data")
    assert refused(lambda: world.read(thing, "data-weights"))["status"] == 404


def test_each_key_of_a_service_account_has_a_name_of_its_own(world: World) -> None:
    account = f"projects/{PROJECT}/serviceAccounts/ci@{PROJECT}.iam.gserviceaccount.com"
    keys = [
        world.create("google_service_account_key", f"{account}/keys/", {"service_account_id": account})["id"]
        for _ in range(2)
    ]
    assert len(set(keys)) == 2
    assert all(key.startswith(f"{account}/keys/") for key in keys)


@pytest.mark.parametrize(
    ("type_", "id_", "state", "prefix"),
    [
        ("google_storage_bucket", "data-granted", {"name": "data-granted"}, "b/data-granted"),
        ("google_secret_manager_secret", f"projects/{PROJECT}/secrets/granted", {"secret_id": "granted"}, ""),
        ("google_service_account", f"projects/{PROJECT}/serviceAccounts/granted@x", {"account_id": "granted"}, ""),
    ],
)
def test_what_was_granted_on_a_resource_goes_with_it(
    world: World, type_: str, id_: str, state: dict[str, Any], prefix: str
) -> None:
    grant = f"{prefix or id_}/roles/viewer/user:grace@example.com"
    world.create(type_, id_, state)
    world.create(f"{type_}_iam_member", grant, {"role": "roles/viewer", "member": "user:grace@example.com"})
    world.delete(type_, id_)
    assert refused(lambda: world.read(f"{type_}_iam_member", grant))["status"] == 404
