"""Values for what only a cloud knows: plausible, and the same each time for the same resource.

The emulated cloud may decide otherwise (addresses, states); what is made here stands where it has no opinion.
"""

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from emulator.core.ids import API
from emulator.provider.config import ProviderConfig
from emulator.provider.facts_file import Block
from emulator.provider.identity import service_account_email
from emulator.provider.values import UNKNOWN, State

Path = tuple[str | int, ...]

ADDRESSES = {
    ("google_compute_address", "address"),
    ("google_compute_instance", "nat_ip"),
    ("google_compute_instance", "network_ip"),
}


@dataclass(frozen=True)
class Computing:
    """A resource whose unknown values are being made up."""

    resource_type: str
    resource_id: str
    state: State
    config: ProviderConfig
    cloud_decides: bool = False
    """Whether there is a cloud that gives out addresses; then none are made up."""

    def digest(self, path: Path) -> str:
        return sha256("|".join((self.resource_type, self.resource_id, *map(str, path))).encode()).hexdigest()

    def host(self, path: Path) -> int:
        """The last number of an address."""
        return int(self.digest(path)[:4], 16) % 250 + 2


def fill_unknown(computing: Computing, block: Block, state: Any, path: Path = ()) -> None:
    """Replace every UNKNOWN in `state`, in place."""
    if not isinstance(state, dict):
        return
    for name, attribute in block["attributes"].items():
        if state.get(name) is UNKNOWN:
            state[name] = computed_value(computing, (*path, name), attribute["type"])
    for name, nested in block["blocks"].items():
        inner = state.get(name)
        if inner is UNKNOWN:
            state[name] = []
        elif isinstance(inner, list):
            for index, item in enumerate(inner):
                fill_unknown(computing, nested["block"], item, (*path, name, index))
        else:
            fill_unknown(computing, nested["block"], inner, (*path, name))


def computed_value(computing: Computing, path: Path, kind: Any) -> Any:
    """The value of the computed attribute at `path`."""
    if computing.cloud_decides and (computing.resource_type, path[-1]) in ADDRESSES:
        return None
    if kind == "string":
        return _text(computing, path)
    if kind == "number":
        return _NUMBERS.get((computing.resource_type, str(path[-1])), 0)
    if kind == "bool":
        return False
    shape, inner = kind
    if shape == "object":
        return {name: computed_value(computing, (*path, name), member) for name, member in inner.items()}
    return {} if shape == "map" else []


def _text(computing: Computing, path: Path) -> str:
    name = str(path[-1])
    if len(path) == 1 and name == "id":
        return computing.resource_id
    if name in ("project", "region", "zone"):
        return computing.config.place(name)
    rule = _BY_TYPE.get((computing.resource_type, name)) or _BY_NAME.get(name)
    if rule:
        return rule(computing, path)
    return _fingerprint(computing, path) if name.endswith("fingerprint") else ""


def _number(computing: Computing, path: Path) -> str:
    return str(int(computing.digest(path)[:15], 16))


def _fingerprint(computing: Computing, path: Path) -> str:
    return base64.b64encode(computing.digest(path)[:8].encode()).decode()


def _now(computing: Computing, path: Path) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000-00:00", time.gmtime())


def _external_address(computing: Computing, path: Path) -> str:
    return f"203.0.113.{computing.host(path)}"  # a block that is for documentation and never routed


def _internal_address(computing: Computing, path: Path) -> str:
    return f"10.128.0.{computing.host(path)}"


def _self_link(computing: Computing, path: Path) -> str:
    return API + computing.resource_id


def _email(computing: Computing, path: Path) -> str:
    return service_account_email(computing.state, computing.config)


def _key_file(computing: Computing, path: Path) -> str:
    content = {"type": "service_account", "private_key_id": computing.digest(path)[:40], "emulated": True}
    return base64.b64encode(json.dumps(content).encode()).decode()


def _short_name(computing: Computing, path: Path) -> str:
    return f"emulated-{computing.digest(path)[:8]}"


def _boot_disk(computing: Computing, path: Path) -> str:
    zone = computing.state.get("zone") or computing.config.zone
    project = computing.state.get("project") or computing.config.project
    return f"{API}projects/{project}/zones/{zone}/disks/{computing.state.get('name')}"


def _device_name(computing: Computing, path: Path) -> str:
    """Numbered in the order of attaching, the boot disk first."""
    block, index, *_ = path
    return "persistent-disk-0" if block == "boot_disk" else f"persistent-disk-{int(index) + 1}"


def _always(text: str) -> Callable[[Computing, Path], str]:
    return lambda computing, path: text


_NUMBERS = {("google_compute_disk", "size"): 10, ("google_compute_instance", "size"): 10}

_BY_TYPE: dict[tuple[str, str], Callable[[Computing, Path], str]] = {
    ("google_client_config", "access_token"): _always("emulated"),
    ("google_cloud_run_v2_service", "uri"): lambda computing, path: (
        f"https://{computing.state.get('name')}.run.invalid"
    ),
    ("google_compute_address", "network_tier"): _always("PREMIUM"),
    ("google_compute_attached_disk", "device_name"): lambda computing, path: computing.resource_id.rpartition("/")[2],
    ("google_compute_firewall", "direction"): _always("INGRESS"),
    ("google_compute_global_address", "address"): lambda computing, path: f"10.77.{computing.host(path)}.0",
    ("google_compute_instance", "cpu_platform"): _always("Intel Cascade Lake"),
    ("google_compute_instance", "current_status"): _always("RUNNING"),
    ("google_compute_instance", "device_name"): _device_name,
    ("google_compute_instance", "name"): _always("nic0"),
    ("google_compute_instance", "network"): _always("default"),
    ("google_compute_instance", "network_tier"): _always("PREMIUM"),
    ("google_compute_instance", "on_host_maintenance"): _always("MIGRATE"),
    ("google_compute_instance", "provisioning_model"): _always("STANDARD"),
    ("google_compute_instance", "source"): _boot_disk,
    ("google_compute_instance", "type"): _always("pd-standard"),
    ("google_secret_manager_secret", "name"): lambda computing, path: computing.resource_id,
    ("google_secret_manager_secret_version", "name"): lambda computing, path: computing.resource_id,
    ("google_secret_manager_secret_version", "version"): _always("1"),
    ("google_service_account", "name"): lambda computing, path: computing.resource_id,
    ("google_service_account_key", "private_key"): _key_file,
    ("google_sql_database_instance", "private_ip_address"): lambda computing, path: f"10.77.0.{computing.host(path)}",
    ("google_sql_database_instance", "connection_name"): lambda computing, path: ":".join(
        str(computing.state.get(part) or computing.config.place(part)) for part in ("project", "region", "name")
    ),
    ("google_storage_bucket", "url"): lambda computing, path: f"gs://{computing.state.get('name')}",
}

_BY_NAME: dict[str, Callable[[Computing, Path], str]] = {
    **dict.fromkeys(("creation_timestamp", "create_time", "update_time", "time_created", "updated"), _now),
    **dict.fromkeys(("instance_id", "disk_id", "address_id", "network_id", "numeric_id", "unique_id"), _number),
    **dict.fromkeys(("snapshot_id", "number", "generated_id", "subnetwork_id", "resource_id"), _number),
    **dict.fromkeys(("address", "nat_ip"), _external_address),
    **dict.fromkeys(("public_ip_address", "first_ip_address", "endpoint", "gateway_address"), _external_address),
    **dict.fromkeys(("network_ip", "private_ip_address"), _internal_address),
    "email": _email,
    "etag": _fingerprint,
    "member": lambda computing, path: f"serviceAccount:{_email(computing, path)}",
    "name": _short_name,
    "self_link": _self_link,
}
