"""Holds JSON against Google's own descriptions of its APIs (the discovery documents)."""

import base64
import json
import re
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any

INTEGERS = {"int32": 2**31, "uint32": 2**32, "int64": 2**63, "uint64": 2**64}


@cache
def document(name: str) -> dict[str, Any]:
    """`compute.v1` or `secretmanager.v1`."""
    path = resources.files("googleapiclient").joinpath("discovery_cache", "documents", f"{name}.json")
    return dict(json.loads(path.read_text()))


def faults_in(value: Any, schema_name: str, api: str) -> list[str]:
    """What Google's schema would not allow: unknown fields, wrong types, formats and enum values."""
    return list(_check(value, {"$ref": schema_name}, api, schema_name))


def response_schema(api: str, *path: str) -> str:
    """The schema that a method answers with: `response_schema("compute.v1", "instances", "get")`."""
    node = document(api)
    for part in path[:-1]:
        node = node["resources"][part]
    return str(node["methods"][path[-1]]["response"]["$ref"])


def _check(value: Any, schema: dict[str, Any], api: str, where: str) -> list[str]:
    if "$ref" in schema:
        schema = document(api)["schemas"][schema["$ref"]]
    match schema.get("type"):
        case "object":
            return _check_object(value, schema, api, where)
        case "array":
            if not isinstance(value, list):
                return [f"{where}: {value!r} is not a list"]
            return [
                fault for n, item in enumerate(value) for fault in _check(item, schema["items"], api, f"{where}[{n}]")
            ]
        case "string":
            return _check_string(value, schema, where)
        case "integer":
            limit = INTEGERS[schema["format"]]
            return [] if isinstance(value, int) and abs(value) < limit else [f"{where}: {value!r} is no integer"]
        case "number":
            return [] if isinstance(value, int | float) else [f"{where}: {value!r} is no number"]
        case "boolean":
            return [] if isinstance(value, bool) else [f"{where}: {value!r} is no boolean"]
    return []


def _check_object(value: Any, schema: dict[str, Any], api: str, where: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where}: {value!r} is not an object"]
    known, others = schema.get("properties", {}), schema.get("additionalProperties")
    faults = []
    for name, item in value.items():
        if name in known:
            faults += _check(item, known[name], api, f"{where}.{name}")
        elif others is not None:
            faults += _check(item, others, api, f"{where}.{name}")
        else:
            faults.append(f"{where}.{name}: Google has no such field")
    return faults


def _check_string(value: Any, schema: dict[str, Any], where: str) -> list[str]:
    if not isinstance(value, str):
        return [f"{where}: {value!r} is no string"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where}: {value!r} is none of Google's"]
    if "pattern" in schema and not re.fullmatch(schema["pattern"], value):
        return [f"{where}: {value!r} does not match {schema['pattern']}"]
    try:
        _parse(value, schema.get("format", ""))
    except ValueError as error:
        return [f"{where}: {error}"]
    return []


def _parse(value: str, form: str) -> None:
    if form == "byte":
        base64.b64decode(value, validate=True)
    elif form == "google-datetime":
        datetime.fromisoformat(value)
        if not value.endswith("Z"):
            raise ValueError(f"{value!r} does not end in Z")
    elif form in INTEGERS and abs(int(value)) >= INTEGERS[form]:
        raise ValueError(f"{value!r} is too large for {form}")
