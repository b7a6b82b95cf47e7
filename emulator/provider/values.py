"""Terraform's values in Python: null is None, unknown is UNKNOWN, objects and maps are dicts, lists and sets lists."""

import json
from typing import Any

import msgpack

from emulator.provider.facts_file import Block

State = dict[str, Any]


class Unknown:
    """Known only after an apply."""

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __copy__(self) -> "Unknown":
        return self

    def __deepcopy__(self, memo: object) -> "Unknown":
        return self


UNKNOWN = Unknown()


def unpack(value: dict[str, bytes]) -> Any:
    """The value in a DynamicValue message."""
    if value.get("msgpack"):
        return msgpack.unpackb(value["msgpack"], ext_hook=_from_extension, raw=False, strict_map_key=False)
    return json.loads(value["json"]) if value.get("json") else None


def pack(value: Any) -> dict[str, bytes]:
    """A DynamicValue message holding `value`."""
    return {"msgpack": msgpack.packb(value, default=_to_extension, use_bin_type=True)}


def _from_extension(code: int, data: bytes) -> Unknown:
    return UNKNOWN


def _to_extension(value: object) -> msgpack.ExtType:
    if value is UNKNOWN:
        return msgpack.ExtType(0, b"\x00")
    raise TypeError(f"Terraform has no value for a {type(value).__name__}")


def has_unknown(value: Any) -> bool:
    if isinstance(value, dict):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return value is UNKNOWN


def conform(block: Block, value: Any) -> Any:
    """The value with exactly the members and types of `block`. JSON from a state or the cloud may lack members, or
    have numbers as text."""
    if not isinstance(value, dict):
        return value
    out = {name: _conform_type(attribute["type"], value.get(name)) for name, attribute in block["attributes"].items()}
    for name, nested in block["blocks"].items():
        inner = value.get(name)
        if nested["nesting"] == "single":
            out[name] = conform(nested["block"], inner)
        elif isinstance(inner, list):
            out[name] = [conform(nested["block"], item) for item in inner]
        else:
            out[name] = inner if inner is UNKNOWN else []
    return out


def _conform_type(kind: Any, value: Any) -> Any:
    if value is None or value is UNKNOWN:
        return value
    if isinstance(kind, str):
        return _conform_primitive(kind, value)
    shape, inner = kind
    if shape in ("list", "set"):
        return [_conform_type(inner, item) for item in value]
    if shape == "map":
        return {key: _conform_type(inner, item) for key, item in value.items()}
    return {key: _conform_type(member, value.get(key)) for key, member in inner.items()}


def _conform_primitive(kind: str, value: Any) -> Any:
    if kind == "string":
        return value if isinstance(value, str) else json.dumps(value)
    if kind == "bool":
        return value if isinstance(value, bool) else str(value).lower() == "true"
    if isinstance(value, str):
        return float(value) if "." in value else int(value)
    return value
