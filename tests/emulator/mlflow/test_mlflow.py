"""The page at an MLflow server's address, by real HTTP from addresses of this computer."""

import http.client
from typing import Any

import pytest

from tests.emulator.world import PROJECT, World, is_listening, nat_ip, until

TAG = "mlflow-server"
PORT = 5000
LISTED, OTHER = "127.0.0.1", "127.9.9.9"


def fetch(address: str, path: str = "/", source: str = LISTED) -> tuple[int, str]:
    connection = http.client.HTTPConnection(address, PORT, timeout=10, source_address=(source, 0))
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def is_refused(address: str, source: str = LISTED) -> bool:
    """Whether something listens there and hangs up."""
    try:
        fetch(address, source=source)
    except (ConnectionResetError, http.client.RemoteDisconnected, BrokenPipeError):
        return True
    except ConnectionRefusedError:
        return False
    return False


def rule(**state: Any) -> dict[str, Any]:
    allowed = [{"protocol": "tcp", "ports": ["5000"]}]
    return {"network": "default", "target_tags": [TAG], "source_ranges": [f"{LISTED}/32"], "allow": allowed, **state}


def firewall(world: World, **state: Any) -> str:
    id_ = f"projects/{PROJECT}/global/firewalls/{world.new_name('rule')}"
    world.create("google_compute_firewall", id_, rule(**state))
    return id_


@pytest.fixture(scope="module")
def instance(world: World) -> str:
    return world.instance("mlflow", tags=[TAG])


@pytest.fixture(scope="module")
def address(world: World, instance: str) -> str:
    found = nat_ip(world.read("google_compute_instance", instance))
    until(lambda: is_listening(found, PORT))
    return found


def test_listing_an_address_turns_the_refusal_into_the_page(world: World, address: str) -> None:
    assert is_refused(address)
    listed = firewall(world)
    status, page = fetch(address)
    assert status == 200
    assert f"MLFLOW_TRACKING_URI=http://{address}:{PORT}" in page
    assert "Emulated" in page
    assert is_refused(address, source=OTHER)
    world.update("google_compute_firewall", listed, rule(source_ranges=["127.9.9.0/24", "10.0.0.0/8"]))
    assert is_refused(address)
    assert fetch(address, source=OTHER)[0] == 200
    world.delete("google_compute_firewall", listed)
    assert is_refused(address, source=OTHER)


def test_style_is_served_and_anything_else_says_that_it_is_not_mlflow(world: World, address: str) -> None:
    listed = firewall(world)
    assert fetch(address, "/_emulator/style.css")[0] == 200
    status, text = fetch(address, "/api/2.0/mlflow/experiments/search")
    assert (status, "emulated MLflow" in text) == (404, True)
    world.delete("google_compute_firewall", listed)


@pytest.mark.parametrize(
    "state",
    [
        {"disabled": True},
        {"direction": "EGRESS"},
        {"target_tags": ["stationmaster-workstation"]},
        {"target_service_accounts": ["mlflow@pocket-project.iam.gserviceaccount.com"]},
        {"source_ranges": []},
        {"source_ranges": ["2001:db8::/48"]},
        {"allow": [{"protocol": "tcp", "ports": ["22", "5001-5999"]}]},
        {"allow": [{"protocol": "udp", "ports": ["5000"]}]},
    ],
)
def test_rule_that_is_about_something_else_admits_nobody(world: World, address: str, state: dict[str, Any]) -> None:
    id_ = firewall(world, **state)
    assert is_refused(address)
    world.delete("google_compute_firewall", id_)


@pytest.mark.parametrize(
    "state",
    [
        {"target_tags": []},
        {"allow": [{"protocol": "all"}]},
        {"allow": [{"protocol": "tcp"}]},
        {"allow": [{"protocol": "icmp"}, {"protocol": "tcp", "ports": ["80", "4000-5000"]}]},
        {"network": f"https://www.googleapis.com/compute/v1/projects/{PROJECT}/global/networks/default"},
    ],
)
def test_rule_that_covers_the_port_admits(world: World, address: str, state: dict[str, Any]) -> None:
    id_ = firewall(world, **state)
    assert fetch(address)[0] == 200
    world.delete("google_compute_firewall", id_)


def test_rule_with_the_lower_number_decides_and_a_deny_wins_a_tie(world: World, address: str) -> None:
    everything = [{"protocol": "all"}]
    allowing = firewall(world, priority=900)
    denying = firewall(world, priority=1000, allow=[], deny=everything)
    assert fetch(address)[0] == 200
    world.update("google_compute_firewall", denying, rule(priority=900, allow=[], deny=everything))
    assert is_refused(address)
    for id_ in (allowing, denying):
        world.delete("google_compute_firewall", id_)


def test_page_comes_and_goes_with_the_machine_and_its_tag(world: World, instance: str, address: str) -> None:
    world.operation_done(world.rest(f"{instance}/stop", "POST"))
    until(lambda: not is_listening(address, PORT))
    world.operation_done(world.rest(f"{instance}/start", "POST"))
    again = nat_ip(world.read("google_compute_instance", instance))
    until(lambda: is_listening(again, PORT))
    state = world.read("google_compute_instance", instance)
    world.update("google_compute_instance", instance, {**state, "tags": ["another"]})
    until(lambda: not is_listening(again, PORT))
    world.update("google_compute_instance", instance, {**state, "tags": [TAG]})
    until(lambda: is_listening(again, PORT))
    world.delete("google_compute_instance", instance)
    until(lambda: not is_listening(again, PORT))
