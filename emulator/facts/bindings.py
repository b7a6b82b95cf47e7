"""Reads a schema out of the generated JavaScript of a bindings package.

What is relied on: each class has one comment a field that says computed, optional, required; each getter names its
type; each `…ToHclTerraform` function tells blocks from attributes and lists from sets.
"""

import re
from dataclasses import dataclass, field
from typing import Any

FIELD = re.compile(
    r"^\s*// (\w+) - computed: (true|false), optional: (true|false), required: (true|false)\s*$", re.MULTILINE
)
CLASS = re.compile(r"^class (\w+) extends \w+\.(\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
FUNCTION = re.compile(r"^(?:export )?function (\w+)ToHclTerraform\(struct\) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
HCL_ATTRIBUTES = re.compile(r"synthesizeHclAttributes\(\) \{(.*?)^    \}", re.DOTALL | re.MULTILINE)
HCL_FIELD = re.compile(
    r"^\s+(\w+): \{\n\s+value: (.*)\n\s+isBlock: (true|false),\n\s+type: \"(\w+)\",\n"
    r"\s+storageClassType: \"(\w+)\",\n\s+\}",
    re.MULTILINE,
)
VERSION = re.compile(r"providerVersion: '([\d.]+)'")
STRUCT = re.compile(r"(\w+)ToHclTerraform")
NESTED_LIST = re.compile(r"new (?:\w+\.)?(\w+)(?:List|Map)\(this, \"\w+\", (true|false)\)")
NESTED_ONE = re.compile(r"new (?:\w+\.)?(\w+)OutputReference\(this, \"\w+\"\)")
ROOTS = {"TerraformResource", "TerraformDataSource", "TerraformProvider"}
LIBRARIES = {"cdktn", "cdktf"}
PRIMITIVES = {"string": "string", "number": "number", "boolean": "bool"}

GETTERS: tuple[tuple[str, Any], ...] = (  # the first that matches wins
    (r"Fn\.tolist\(this\.getListAttribute\(", ["set", "string"]),
    (r"Fn\.tolist\(this\.getNumberListAttribute\(", ["set", "number"]),
    (r"this\.getStringAttribute\(", "string"),
    (r"this\.getNumberAttribute\(", "number"),
    (r"this\.getBooleanAttribute\(", "bool"),
    (r"this\.getListAttribute\(", ["list", "string"]),
    (r"this\.getNumberListAttribute\(", ["list", "number"]),
    (r"this\.getStringMapAttribute\(", ["map", "string"]),
    (r"this\.getNumberMapAttribute\(", ["map", "number"]),
    (r"this\.getBooleanMapAttribute\(", ["map", "bool"]),
    (r"new \w+\.StringMapList\(this, ", ["list", ["map", "string"]]),
    (r"new \w+\.StringMap\(", ["map", "string"]),
    (r"new \w+\.NumberMap\(", ["map", "number"]),
    (r"new \w+\.BooleanMap\(", ["map", "bool"]),
)

Block = dict[str, Any]


class UnreadableBindingsError(Exception):
    """The bindings contain something that this reader does not understand."""


@dataclass(frozen=True)
class HclField:
    value: str
    is_block: bool
    kind: str  # simple, list, set, map or struct
    storage: str  # string, number, boolean, stringList … or a class


@dataclass
class SchemaField:
    flags: str
    code: str


@dataclass
class Bindings:
    """One resource's, data source's or the provider's file, taken apart."""

    version: str | None
    root: str = ""
    classes: dict[str, str] = field(default_factory=dict)
    hcl: dict[str, dict[str, HclField]] = field(default_factory=dict)


def parse_bindings(text: str) -> Bindings:
    found = VERSION.search(text)
    bindings = Bindings(version=found[1] if found else None)
    for name, base, body in CLASS.findall(text):
        bindings.classes[name] = body
        if base in ROOTS:
            bindings.root = name
            attributes = HCL_ATTRIBUTES.search(body)
            bindings.hcl[name] = _hcl_fields(attributes[1]) if attributes else {}
    for name, body in FUNCTION.findall(text):
        bindings.hcl[_capital(name)] = _hcl_fields(body)
    if not bindings.root:
        raise UnreadableBindingsError("The file has no resource, data source or provider class")
    return bindings


def read_block(bindings: Bindings) -> Block:
    """The whole schema of the file, in the layout that `emulator.provider.schema` describes."""
    return _block(bindings, bindings.root, bindings.root)


def _block(bindings: Bindings, class_name: str, hcl_name: str) -> Block:
    attributes: dict[str, Any] = {}
    blocks: dict[str, Any] = {}
    hcl = bindings.hcl.get(hcl_name, {})
    for name, found in _fields(bindings.classes[class_name]).items():
        declared = hcl.get(name)
        nested = _nested_class(bindings, found.code)
        if nested:
            _add_nested(attributes, blocks, name, found, declared, nested)
        elif declared and declared.is_block:
            blocks[name] = _provider_block(bindings, declared)
        else:
            attributes[name] = {"type": _type(name, found, declared), "is": _flags(name, found.flags)}
    return {"attributes": attributes, "blocks": blocks}


@dataclass(frozen=True)
class Nested:
    block: Block
    is_set: bool
    at_most_one: bool


def _nested_class(bindings: Bindings, code: str) -> Nested | None:
    many = NESTED_LIST.search(code)
    if many and many[1] not in LIBRARIES and f"{many[1]}OutputReference" in bindings.classes:
        return Nested(_block(bindings, f"{many[1]}OutputReference", many[1]), many[2] == "true", at_most_one=False)
    one = NESTED_ONE.search(code)
    if one:
        return Nested(_block(bindings, f"{one[1]}OutputReference", one[1]), is_set=False, at_most_one=True)
    return None


def _add_nested(
    attributes: dict[str, Any],
    blocks: dict[str, Any],
    name: str,
    found: SchemaField,
    declared: HclField | None,
    nested: Nested,
) -> None:
    if found.flags == "c":  # what is only computed is an attribute of objects, never a block
        attributes[name] = {"type": ["set" if nested.is_set else "list", _object(nested.block)], "is": "c"}
        return
    kind = declared.kind if declared else "list"
    if declared and not declared.is_block:
        attributes[name] = {"type": [kind, _object(nested.block)], "is": found.flags}
        return
    if kind == "struct":
        blocks[name] = {"nesting": "single", "block": nested.block}
        return
    block: dict[str, Any] = {"nesting": kind, "block": nested.block}
    if "r" in found.flags:
        block["min"] = 1
    if nested.at_most_one:
        block["max"] = 1
    blocks[name] = block


def _provider_block(bindings: Bindings, declared: HclField) -> dict[str, Any]:
    """Blocks of the provider itself have no class: only the function that writes them as HCL lists their fields."""
    struct = STRUCT.search(declared.value)
    if not struct:
        raise UnreadableBindingsError(f"No block structure in {declared.value!r}")
    fields = bindings.hcl.get(_capital(struct[1]), {})
    attributes = {name: {"type": _declared_type(hcl) or ["list", "string"], "is": "o"} for name, hcl in fields.items()}
    return {"nesting": declared.kind, "max": 1, "block": {"attributes": attributes, "blocks": {}}}


def _fields(body: str) -> dict[str, SchemaField]:
    marks = list(FIELD.finditer(body))
    fields: dict[str, SchemaField] = {}
    ends = [mark.start() for mark in marks[1:]] + [len(body)]
    for here, end in zip(marks, ends, strict=False):
        code = body[here.end() : end]
        if here[1] in fields:  # a field with several getters repeats its comment
            fields[here[1]].code += code
        else:
            fields[here[1]] = SchemaField(_letters(*here.groups()[1:]), code)
    return fields


def _letters(computed: str, optional: str, required: str) -> str:
    return "".join(letter for letter, said in (("r", required), ("o", optional), ("c", computed)) if said == "true")


def _flags(name: str, flags: str) -> str:
    """Write-only arguments are named `…_wo` throughout; bindings mark just those at the top."""
    return flags + "w" if name.endswith("_wo") else flags


def _type(name: str, found: SchemaField, declared: HclField | None) -> Any:
    known = _declared_type(declared) if declared else None
    if known:
        return known
    for pattern, kind in GETTERS:
        if re.search(pattern, found.code):
            return kind
    raise UnreadableBindingsError(f"The type of {name} is not known")


def _declared_type(hcl: HclField) -> Any | None:
    if hcl.kind == "simple":
        return PRIMITIVES.get(hcl.storage)
    element = PRIMITIVES.get(re.sub("(List|Map)$", "", hcl.storage))
    return [hcl.kind, element] if element and hcl.kind in ("list", "set", "map") else None


def _object(block: Block) -> list[Any]:
    types = {name: attribute["type"] for name, attribute in block["attributes"].items()}
    types |= {name: [nested["nesting"], _object(nested["block"])] for name, nested in block["blocks"].items()}
    return ["object", types]


def _hcl_fields(body: str) -> dict[str, HclField]:
    return {
        name: HclField(value, is_block == "true", kind, storage)
        for name, value, is_block, kind, storage in HCL_FIELD.findall(body)
    }


def _capital(name: str) -> str:
    return name[0].upper() + name[1:]
