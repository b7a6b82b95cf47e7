"""Reads resources from a Terraform state (format 4)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.services.terraform.attributes import Side
from app.services.terraform.state_versions import State

_TYPES = ("bool", "dynamic", "list", "map", "number", "object", "set", "string", "tuple")


@dataclass(frozen=True)
class Instance:
    """A managed resource instance."""

    address: str
    type: str
    name: str
    attributes: Side
    deposed: str = ""
    """The key of a replaced object that still has to be deleted; empty for the current one."""
    is_tainted: bool = False
    """Whether its creation has failed, so that Terraform will replace it."""


def data_disk(state: State) -> tuple[str, str] | None:
    """The zone and the name of a workstation's data disk, wherever a change that failed has left it."""
    for instance in instances(state):
        if instance.type == "google_compute_disk" and instance.name == "data" and not instance.deposed:
            attributes = instance.attributes.value
            return str(attributes["zone"]).rpartition("/")[2], str(attributes["name"])
    return None


def opened_gb(state: State) -> int:
    """The size of the disk of a snapshot that is open; of two disks while one takes the other's place."""
    disks = [each for each in instances(state) if each.type == "google_compute_disk" and each.name == "opened"]
    return sum(int(disk.attributes.value.get("size") or 0) for disk in disks)


def instances(state: State) -> Iterator[Instance]:
    """All managed instances, without data sources."""
    for resource in json.loads(state.raw).get("resources", []):
        if resource["mode"] == "managed":
            for instance in resource["instances"]:
                yield _instance(resource, instance)


def without(state: State, type_: str) -> State:
    """The state without resources of this type. Its serial stays the same."""
    content = json.loads(state.raw)
    content["resources"] = [each for each in content.get("resources", []) if each["type"] != type_]
    return State(json.dumps(content).encode())


def untainted(state: State, types: frozenset[str]) -> State:
    """The state in which no resource of these types is to be replaced because its creation failed."""
    content = json.loads(state.raw)
    of_types = [each for each in content.get("resources", []) if each["type"] in types]
    tainted = [each for resource in of_types for each in resource["instances"] if each.get("status") == "tainted"]
    for instance in tainted:
        del instance["status"]
    return State(json.dumps(content).encode()) if tainted else state


def outputs(state: State) -> dict[str, Side]:
    """The outputs by name."""
    found = json.loads(state.raw).get("outputs", {})
    return {name: Side(output["value"], output.get("sensitive", False)) for name, output in found.items()}


def _instance(resource: dict[str, Any], instance: dict[str, Any]) -> Instance:
    parts = [resource.get("module"), resource["type"], resource["name"]]
    index = f"[{json.dumps(instance['index_key'])}]" if "index_key" in instance else ""
    return Instance(
        address=".".join(part for part in parts if part) + index,
        type=resource["type"],
        name=resource["name"],
        attributes=Side(_unwrapped(instance), _marks(instance.get("sensitive_attributes") or [])),
        deposed=instance.get("deposed", ""),
        is_tainted=instance.get("status") == "tainted",
    )


def _unwrapped(instance: dict[str, Any]) -> dict[str, Any]:
    """The attributes. Those of any type are stored with their type, which is not part of paths."""
    attributes = instance.get("attributes") or {}
    return {name: value["value"] if _is_typed(value) else value for name, value in attributes.items()}


def _is_typed(value: Any) -> bool:
    if not isinstance(value, dict) or value.keys() != {"value", "type"}:
        return False
    kind = value["type"]
    return (kind[0] if isinstance(kind, list) and kind else kind) in _TYPES


def _marks(paths: list[list[dict[str, Any]]]) -> Any:
    """Paths as a tree of keys and indexes, which is true at the end of each path."""
    if any(not path for path in paths):
        return True
    below: dict[str | int, list[list[dict[str, Any]]]] = {}
    for first, *rest in paths:
        below.setdefault(_step(first), []).append(rest)
    return {step: _marks(rests) for step, rests in below.items()}


def _step(written: dict[str, Any]) -> str | int:
    """`{"type": "get_attr", "value": "disk"}`, or `{"type": "index", "value": {"value": 0, "type": "number"}}`."""
    value = written["value"]
    step: str | int = value["value"] if isinstance(value, dict) else value
    return step
