"""The answer to GetProviderSchema, made from the facts."""

import json
from typing import Any

from emulator.provider.facts_file import Block, Facts
from emulator.provider.wire import Message, encode

NESTING = {"single": 1, "list": 2, "set": 3, "map": 4}
FLAGS = (("r", "required"), ("o", "optional"), ("c", "computed"), ("s", "sensitive"), ("w", "write_only"))


def build_schema(facts: Facts) -> bytes:
    return encode(
        "SchemaReply",
        {
            "provider": _schema(facts.provider),
            "resource_schemas": [
                {"key": name, "value": _schema(resource["block"])} for name, resource in facts.resources.items()
            ],
            "data_source_schemas": [
                {"key": name, "value": _schema(block)} for name, block in facts.data_sources.items()
            ],
            "server_capabilities": {"get_provider_schema_optional": True},
        },
    )


def _schema(block: Block) -> Message:
    return {"version": 0, "block": _block(block)}


def _block(block: Block) -> Message:
    return {
        "attributes": [_attribute(name, attribute) for name, attribute in sorted(block["attributes"].items())],
        "block_types": [_nested(name, nested) for name, nested in sorted(block["blocks"].items())],
    }


def _attribute(name: str, attribute: dict[str, Any]) -> Message:
    flags = {flag: True for letter, flag in FLAGS if letter in attribute["is"]}
    return {"name": name, "type": json.dumps(attribute["type"], separators=(",", ":")).encode(), **flags}


def _nested(name: str, nested: dict[str, Any]) -> Message:
    return {
        "type_name": name,
        "nesting": NESTING[nested["nesting"]],
        "min_items": nested.get("min", 0),
        "max_items": nested.get("max", 0),
        "block": _block(nested["block"]),
    }
