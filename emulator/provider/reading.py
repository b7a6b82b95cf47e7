"""ReadResource, ImportResourceState and ReadDataSource."""

from typing import Any

from emulator.core.ids import API
from emulator.provider.client import CloudClient
from emulator.provider.computed import Computing, computed_value
from emulator.provider.config import ProviderConfig
from emulator.provider.errors import GoogleApiError, ProviderError, failed
from emulator.provider.facts_file import Block, Resource
from emulator.provider.identity import IMPORT_IDS, make_id, parse_import_id
from emulator.provider.labels import read_labels
from emulator.provider.values import State, conform

VIRTUAL = (
    "allow_stopping_for_update",
    "create_ignore_already_exists",
    "create_snapshot_before_destroy",
    "create_snapshot_before_destroy_prefix",
    "deletion_policy",
    "desired_status",
    "disable_on_destroy",
    "force_destroy",
    "ttl",
)
"""Arguments that Google does not keep: only the configuration and the state know them."""


def read(
    resource_type: str, resource: Resource, known: State, provider: ProviderConfig, cloud: CloudClient
) -> State | None:
    """The current state in the cloud; None if the resource does not exist. Raises ProviderError."""
    try:
        found = cloud.read(resource_type, known["id"])
    except GoogleApiError as error:
        raise ProviderError(failed("read", resource_type, known, error)) from error
    if found is None:
        return None
    state: State = conform(resource["block"], found)
    for name in VIRTUAL:
        if name in state:
            state[name] = known.get(name)
    policy = resource["block"]["attributes"].get("deletion_policy")
    if policy and state["deletion_policy"] is None and "c" in policy["is"]:
        state["deletion_policy"] = provider.deletion_policy
    read_labels(state, known)
    return state


def start_import(type_name: str, resource: Resource, given: str, provider: ProviderConfig) -> State:
    """The values in an import ID. Terraform then reads the rest."""
    resource_id, values = parse_import_id(IMPORT_IDS.get(type_name) or str(resource["id"]), given, provider)
    if type_name in IMPORT_IDS:
        resource_id = make_id(resource["id"], values, provider)
    block = resource["block"]
    known = {name: value for name, value in values.items() if name in block["attributes"]}
    state: State = conform(block, known | {"id": resource_id})
    return state


def read_data(
    data_type: str, block: Block, config: State, provider: ProviderConfig, cloud: CloudClient | None
) -> State:
    """A data source: what the cloud says, and plausible values for the rest. Raises ProviderError."""
    found: dict[str, Any] = {}
    if cloud is not None:
        try:
            found = cloud.data(data_type, {"config": config, "provider": provider.places()})
        except GoogleApiError as error:
            raise ProviderError(error.raw or f"Error when reading or editing {data_type}: {error}") from error
    found = _guesses(data_type, config, provider) | found
    computing = Computing(data_type, str(found.get("id", "")), config, provider)
    state: State = dict(config)
    for name, attribute in block["attributes"].items():
        if state.get(name) is not None:
            continue
        if name in found:
            state[name] = found[name]
        elif "c" in attribute["is"]:
            state[name] = computed_value(computing, (name,), attribute["type"])
    return dict(conform(block, state))


def _guesses(data_type: str, config: State, provider: ProviderConfig) -> dict[str, Any]:
    project = config.get("project") or provider.project or "project"
    region = config.get("region") or provider.region or "us-central1"
    if data_type == "google_client_config":
        return {"id": f"projects/{project}/regions/{region}/zones/{provider.zone}"}
    if data_type == "google_project":
        return {"id": f"projects/{project}", "project_id": config.get("project_id") or project, "name": project}
    if data_type == "google_compute_zones":
        return {"id": f"projects/{project}/regions/{region}", "names": [f"{region}-{letter}" for letter in "abc"]}
    if data_type == "google_compute_image":
        name = config.get("name") or f"{config.get('family')}-latest"
        link = f"projects/{project}/global/images/{name}"
        return {"id": link, "name": name, "self_link": API + link, "disk_size_gb": 10, "status": "READY"}
    name = config.get("name") or config.get("account_id") or config.get("secret") or data_type
    return {"id": f"projects/{project}/{data_type.removeprefix('google_')}/{name}"}
