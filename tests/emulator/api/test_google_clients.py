"""The clients the portal uses, against the emulated APIs."""

from typing import Any, TypedDict

import pytest
from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import BadRequest, Conflict, Forbidden, NotFound
from google.auth.credentials import AnonymousCredentials

from tests.emulator.world import IN_ZONE, PROJECT, REGION, ZONE, World


class Where(TypedDict):
    project: str
    zone: str
    instance: str


class Clients:
    def __init__(self, world: World) -> None:
        # Imported here: it takes seconds, and each worker would pay them just to learn the tests' names.
        from google.cloud import compute_v1, secretmanager_v1

        options = ClientOptions(api_endpoint=world.emulator.url)
        at: dict[str, Any] = {"credentials": AnonymousCredentials(), "client_options": options}
        self.instances = compute_v1.InstancesClient(**at)
        self.disks = compute_v1.DisksClient(**at)
        self.addresses = compute_v1.AddressesClient(**at)
        self.operations = compute_v1.ZoneOperationsClient(**at)
        self.zones = compute_v1.ZonesClient(**at)
        self.regions = compute_v1.RegionsClient(**at)
        self.machine_types = compute_v1.MachineTypesClient(**at)
        self.accelerator_types = compute_v1.AcceleratorTypesClient(**at)
        self.projects = compute_v1.ProjectsClient(**at)
        self.secrets = secretmanager_v1.SecretManagerServiceClient(transport="rest", **at)

    def wait(self, operation: Any) -> Any:
        return self.operations.wait(project=PROJECT, zone=ZONE, operation=operation.name)


@pytest.fixture(scope="module")
def clients(world: World) -> Clients:
    return Clients(world)


def test_a_machine_is_read_stopped_started_and_reset(world: World, clients: Clients) -> None:
    _, address = world.address()
    name = world.instance(nat_ip=address, labels={"owner": "grace"}).rpartition("/")[2]
    where = Where(project=PROJECT, zone=ZONE, instance=name)
    machine = clients.instances.get(**where)
    assert (machine.status, machine.labels["owner"]) == ("RUNNING", "grace")
    assert machine.network_interfaces[0].access_configs[0].nat_i_p == address
    assert clients.wait(clients.instances.stop_unary(**where)).status.name == "DONE"
    assert clients.instances.get(**where).status == "TERMINATED"
    clients.wait(clients.instances.start_unary(**where))
    assert clients.instances.get(**where).status == "RUNNING"
    reset = clients.wait(clients.instances.reset_unary(**where))
    assert (reset.operation_type, reset.error.errors) == ("reset", [])
    seen = clients.operations.get(project=PROJECT, zone=ZONE, operation=reset.name)
    assert seen.target_link.endswith(f"{IN_ZONE}/instances/{name}")


def test_the_same_request_is_carried_out_once(world: World, clients: Clients) -> None:
    name = world.instance().rpartition("/")[2]
    where = Where(project=PROJECT, zone=ZONE, instance=name)
    requests = [{**where, "request_id": f"c0ffee00-0000-4000-8000-00000000000{number}"} for number in (1, 1, 2)]
    first, again, another = [clients.wait(clients.instances.reset_unary(request=each)).name for each in requests]
    assert first == again != another


def test_a_machine_without_a_static_address_gets_another_one_when_it_starts_again(
    world: World, clients: Clients
) -> None:
    name = world.instance().rpartition("/")[2]
    where = Where(project=PROJECT, zone=ZONE, instance=name)
    before = clients.instances.get(**where).network_interfaces[0].access_configs[0].nat_i_p
    clients.wait(clients.instances.stop_unary(**where))
    assert clients.instances.get(**where).network_interfaces[0].access_configs[0].nat_i_p == ""
    clients.wait(clients.instances.start_unary(**where))
    after = clients.instances.get(**where).network_interfaces[0].access_configs[0].nat_i_p
    assert after.startswith("127.")
    assert after != before


def test_lists_are_filtered_paged_and_aggregated(world: World, clients: Clients) -> None:
    for number in range(3):
        world.instance(f"listed-{number}", labels={"stack": "listed", "number": str(number)})
    request = {"project": PROJECT, "zone": ZONE, "filter": 'labels.stack = "listed"', "max_results": 2}
    pages = list(clients.instances.list(request=request).pages)
    assert [[machine.name for machine in page.items] for page in pages] == [["listed-0", "listed-1"], ["listed-2"]]
    everywhere = dict(clients.instances.aggregated_list(project=PROJECT))
    assert "listed-1" in {machine.name for machine in everywhere[f"zones/{ZONE}"].instances}
    assert everywhere["zones/us-central1-f"].warning.code == "NO_RESULTS_ON_PAGE"


def test_disks_and_addresses_are_found_by_a_label_wherever_they_are(world: World, clients: Clients) -> None:
    labels = {"found-by": "aggregate"}
    disk, (address, _) = world.disk(labels=labels), world.address(labels=labels)
    world.disk(labels={"another": "aggregate"})
    # A machine's boot disk does not inherit its labels.
    world.instance(labels=labels)
    request = {"project": PROJECT, "filter": "labels.found-by:*", "max_results": 1}
    disks, addresses = (dict(client.aggregated_list(request=request)) for client in (clients.disks, clients.addresses))
    assert [found.self_link.partition("/v1/")[2] for found in disks[f"zones/{ZONE}"].disks] == [disk]
    assert [found.self_link.partition("/v1/")[2] for found in addresses[f"regions/{REGION}"].addresses] == [address]
    for scopes, empty in ((disks, "zones/us-central1-f"), (disks, f"regions/{REGION}"), (addresses, "global")):
        assert scopes[empty].warning.code == "NO_RESULTS_ON_PAGE"


def test_operations_are_listed_while_they_are_not_done(world: World, clients: Clients) -> None:
    name = world.instance().rpartition("/")[2]
    world.emulator.fault(op="stop", id=name, delay=3600)
    begun = clients.instances.stop_unary(project=PROJECT, zone=ZONE, instance=name)
    request = {"project": PROJECT, "zone": ZONE, "filter": f'status != DONE AND targetLink eq ".*/{name}"'}
    assert [found.name for found in clients.operations.list(request=request)] == [begun.name]
    request["filter"] = f'status = DONE AND targetLink eq ".*/{name}"'
    assert [found.operation_type for found in clients.operations.list(request=request)] == ["insert"]


def test_disks_addresses_and_who_uses_them(world: World, clients: Clients) -> None:
    disk = world.disk(labels={"stationmaster-stack": "s1"}).rpartition("/")[2]
    address_id, address = world.address()
    instance = world.instance(nat_ip=address)
    world.attach(instance, f"{IN_ZONE}/disks/{disk}")
    found = clients.disks.get(project=PROJECT, zone=ZONE, disk=disk)
    assert (found.size_gb, found.status, found.users[0].endswith(instance)) == (20, "READY", True)
    assert disk in {item.name for item in clients.disks.list(project=PROJECT, zone=ZONE)}
    reserved = clients.addresses.get(project=PROJECT, region=REGION, address=address_id.rpartition("/")[2])
    assert (reserved.address, reserved.status) == (address, "IN_USE")


def test_guest_attributes_are_missing_until_the_machine_has_booted(world: World, clients: Clients) -> None:
    name = world.instance(metadata={"enable-guest-attributes": "FALSE"}).rpartition("/")[2]
    request = {"project": PROJECT, "zone": ZONE, "instance": name, "query_path": "hostkeys/"}
    with pytest.raises(NotFound, match="The resource 'hostkeys/' of type 'Guest Attribute' was not found"):
        clients.instances.get_guest_attributes(request=request)
    booted = world.instance()
    key = world.host_key(booted)
    request["instance"] = booted.rpartition("/")[2]
    item = clients.instances.get_guest_attributes(request=request).query_value.items[0]
    assert (item.namespace, item.key, item.value) == ("hostkeys", "ssh-ed25519", key)


def test_the_catalogue_and_the_quotas(world: World, clients: Clients) -> None:
    assert ZONE in {zone.name for zone in clients.zones.list(project=PROJECT)}
    types = {machine.name: machine for machine in clients.machine_types.list(project=PROJECT, zone=ZONE)}
    assert types["g2-standard-8"].accelerators[0].guest_accelerator_type == "nvidia-l4"
    assert types["n1-standard-8"].memory_mb == 30 * 1024
    assert "a3-highgpu-1g" not in types
    t4 = clients.accelerator_types.get(project=PROJECT, zone=ZONE, accelerator_type="nvidia-tesla-t4")
    assert t4.maximum_cards_per_instance == 4
    world.instance(machine_type="g2-standard-4")
    quotas = {quota.metric: quota.usage for quota in clients.regions.get(project=PROJECT, region=REGION).quotas}
    assert quotas["NVIDIA_L4_GPUS"] >= 1
    assert "GPUS_ALL_REGIONS" in {quota.metric for quota in clients.projects.get(project=PROJECT).quotas}
    assert clients.zones.get(project=PROJECT, zone=ZONE).region.endswith(REGION)


def test_refusals_arrive_as_googles_exceptions(world: World, clients: Clients) -> None:
    with pytest.raises(NotFound, match="was not found"):
        clients.instances.get(project=PROJECT, zone=ZONE, instance="nobody")
    with pytest.raises(BadRequest, match="Unknown zone"):
        list(clients.instances.list(project=PROJECT, zone="mars-north1-a"))
    with pytest.raises(BadRequest, match="Invalid list filter"):
        list(clients.disks.list(request={"project": PROJECT, "zone": ZONE, "filter": "name ="}))
    world.emulator.fault(op="stop", status=403, message="Required 'compute.instances.stop' permission")
    name = world.instance().rpartition("/")[2]
    with pytest.raises(Forbidden, match=r"compute\.instances\.stop"):
        clients.instances.stop_unary(project=PROJECT, zone=ZONE, instance=name)


def test_a_secret_from_create_to_delete(clients: Clients) -> None:
    parent = f"projects/{PROJECT}"
    spec = {"replication": {"automatic": {}}, "labels": {"owner": "grace"}}
    secret = clients.secrets.create_secret(request={"parent": parent, "secret_id": "ssh-grace", "secret": spec})
    # Google answers with the project's number, and takes its id as well.
    assert secret.name.rpartition("/")[2] == "ssh-grace"
    assert not secret.name.startswith(f"{parent}/")
    for payload in (b"first", bytes(range(256))):
        checked = {"data": payload, "data_crc32c": _crc32c(payload)}
        clients.secrets.add_secret_version(request={"parent": secret.name, "payload": checked})
    latest = clients.secrets.access_secret_version(name=f"{parent}/secrets/ssh-grace/versions/latest")
    assert latest.payload.data == bytes(range(256))
    assert latest.payload.data_crc32c == _crc32c(latest.payload.data)
    assert latest.name == f"{secret.name}/versions/2"
    clients.secrets.destroy_secret_version(name=f"{secret.name}/versions/1")
    states = [version.state.name for version in clients.secrets.list_secret_versions(parent=secret.name)]
    assert states == ["ENABLED", "DESTROYED"]
    with pytest.raises(BadRequest, match="DESTROYED"):
        clients.secrets.access_secret_version(name=f"{secret.name}/versions/1")
    assert "ssh-grace" in {found.name.rpartition("/")[2] for found in clients.secrets.list_secrets(parent=parent)}
    assert clients.secrets.get_secret(name=f"{parent}/secrets/ssh-grace").labels["owner"] == "grace"
    clients.secrets.delete_secret(name=secret.name)
    with pytest.raises(NotFound):
        clients.secrets.get_secret(name=secret.name)


def test_secret_manager_refuses_what_google_refuses(clients: Clients) -> None:
    parent = f"projects/{PROJECT}"
    taken: dict[str, Any] = {"parent": parent, "secret_id": "taken", "secret": {"replication": {"automatic": {}}}}
    clients.secrets.create_secret(request=taken)
    with pytest.raises(Conflict, match="already exists"):
        clients.secrets.create_secret(request=taken)
    with pytest.raises(BadRequest, match="Secret ID"):
        clients.secrets.create_secret(request={**taken, "secret_id": "no spaces"})
    with pytest.raises(BadRequest, match="checksum"):
        clients.secrets.add_secret_version(
            request={"parent": f"{parent}/secrets/taken", "payload": {"data": b"payload", "data_crc32c": 1}}
        )
    with pytest.raises(NotFound):
        clients.secrets.add_secret_version(request={"parent": f"{parent}/secrets/nothing", "payload": {"data": b"x"}})
    with pytest.raises(NotFound):
        clients.secrets.access_secret_version(name=f"{parent}/secrets/taken/versions/latest")


def test_a_secret_that_terraform_made_is_read_through_the_api(world: World, clients: Clients) -> None:
    secret = f"projects/{PROJECT}/secrets/from-terraform"
    world.create("google_secret_manager_secret", secret, {"secret_id": "from-terraform"})
    version = {"secret": secret, "is_secret_data_base64": True}
    id_ = f"{secret}/versions/1"
    world.create("google_secret_manager_secret_version", id_, version, secret_data_wo="aGVsbG8=")
    assert clients.secrets.access_secret_version(name=f"{secret}/versions/latest").payload.data == b"hello"
    assert "aGVsbG8=" not in str(world.emulator.objects())


def _crc32c(data: bytes) -> int:
    """Independent of the emulator's: the table-driven form."""
    table = []
    for number in range(256):
        for _ in range(8):
            number = (number >> 1) ^ 0x82F63B78 if number & 1 else number >> 1
        table.append(number)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 255] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF
