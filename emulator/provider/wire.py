"""The messages of Terraform's plugin protocol, version 5, to and from bytes.

Only shapes and field numbers: the tables are made from the lines below. Messages are plain dicts in which an absent
field is simply missing. A codec of our own because importing protobuf's takes longer than all the work of a call.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

Message = dict[str, Any]

# `*` repeats. A map travels as repeated {key = 1, value = 2} entries.
SHAPES = """
DynamicValue msgpack:bytes=1 json:bytes=2
Step attribute_name:string=1 element_key_string:string=2 element_key_int:int=3
AttributePath steps:*Step=1
Diagnostic severity:int=1 summary:string=2 detail:string=3 attribute:AttributePath=4
RawState json:bytes=1
Attribute name:string=1 type:bytes=2 required:bool=4 optional:bool=5 computed:bool=6 sensitive:bool=7 write_only:bool=10
NestedBlock type_name:string=1 block:Block=2 nesting:int=3 min_items:int=4 max_items:int=5
Block version:int=1 attributes:*Attribute=2 block_types:*NestedBlock=3
Schema version:int=1 block:Block=2
SchemaEntry key:string=1 value:Schema=2
ServerCapabilities plan_destroy:bool=1 get_provider_schema_optional:bool=2 move_resource_state:bool=3
Empty
SchemaReply provider:Schema=1 resource_schemas:*SchemaEntry=2 data_source_schemas:*SchemaEntry=3 \
 server_capabilities:ServerCapabilities=6
PrepareRequest config:DynamicValue=1
PrepareReply prepared_config:DynamicValue=1 diagnostics:*Diagnostic=2
ValidateRequest type_name:string=1 config:DynamicValue=2
DiagnosticsReply diagnostics:*Diagnostic=1
UpgradeRequest type_name:string=1 version:int=2 raw_state:RawState=3
UpgradeReply upgraded_state:DynamicValue=1 diagnostics:*Diagnostic=2
ConfigureRequest terraform_version:string=1 config:DynamicValue=2
ReadRequest type_name:string=1 current_state:DynamicValue=2 private:bytes=3
ReadReply new_state:DynamicValue=1 diagnostics:*Diagnostic=2 private:bytes=3
PlanRequest type_name:string=1 prior_state:DynamicValue=2 proposed_new_state:DynamicValue=3 config:DynamicValue=4 \
 prior_private:bytes=5
PlanReply planned_state:DynamicValue=1 requires_replace:*AttributePath=2 planned_private:bytes=3 \
 diagnostics:*Diagnostic=4 legacy_type_system:bool=5
ApplyRequest type_name:string=1 prior_state:DynamicValue=2 planned_state:DynamicValue=3 config:DynamicValue=4 \
 planned_private:bytes=5
ApplyReply new_state:DynamicValue=1 private:bytes=2 diagnostics:*Diagnostic=3 legacy_type_system:bool=4
ImportRequest type_name:string=1 id:string=2
Imported type_name:string=1 state:DynamicValue=2 private:bytes=3
ImportReply imported_resources:*Imported=1 diagnostics:*Diagnostic=2
ReadDataRequest type_name:string=1 config:DynamicValue=2
ReadDataReply state:DynamicValue=1 diagnostics:*Diagnostic=2
StopReply error:string=1
"""

CALLS = {
    "PrepareProviderConfig": ("PrepareRequest", "PrepareReply"),
    "ValidateResourceTypeConfig": ("ValidateRequest", "DiagnosticsReply"),
    "ValidateDataSourceConfig": ("ValidateRequest", "DiagnosticsReply"),
    "UpgradeResourceState": ("UpgradeRequest", "UpgradeReply"),
    "Configure": ("ConfigureRequest", "DiagnosticsReply"),
    "ReadResource": ("ReadRequest", "ReadReply"),
    "PlanResourceChange": ("PlanRequest", "PlanReply"),
    "ApplyResourceChange": ("ApplyRequest", "ApplyReply"),
    "ImportResourceState": ("ImportRequest", "ImportReply"),
    "ReadDataSource": ("ReadDataRequest", "ReadDataReply"),
    "Stop": ("Empty", "StopReply"),
}
"""Every call but GetSchema, with the shapes of its request and its reply."""

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class MessageField(NamedTuple):
    name: str
    kind: str
    number: int
    repeated: bool


class UnreadableMessageError(Exception):
    """Bytes that are no message of this protocol."""


def _tables() -> dict[str, tuple[MessageField, ...]]:
    tables = {}
    for line in SHAPES.replace("\\\n", "").strip().splitlines():
        message, *fields = line.split()
        tables[message] = tuple(_field(text) for text in fields)
    return tables


def _field(text: str) -> MessageField:
    declared, number = text.split("=")
    name, kind = declared.split(":")
    return MessageField(name, kind.lstrip("*"), int(number), kind.startswith("*"))


FIELDS = _tables()
BY_NUMBER = {message: {field.number: field for field in fields} for message, fields in FIELDS.items()}


def encode(message: str, values: Message) -> bytes:
    """The bytes of `values` as a `message`."""
    out = bytearray()
    for field in FIELDS[message]:
        value = values.get(field.name)
        if value is None:
            continue
        for item in value if field.repeated else (value,):
            _write_field(out, field, item)
    return bytes(out)


def _write_field(out: bytearray, field: MessageField, value: Any) -> None:
    if field.kind in ("int", "bool"):
        _write_varint(out, field.number << 3 | VARINT)
        _write_varint(out, int(value))
        return
    _write_varint(out, field.number << 3 | BYTES)
    data = _content(field.kind, value)
    _write_varint(out, len(data))
    out += data


def _content(kind: str, value: Any) -> bytes:
    if kind == "string":
        return str(value).encode()
    return bytes(value) if kind == "bytes" else encode(kind, value)


def _write_varint(out: bytearray, number: int) -> None:
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


def decode(message: str, data: bytes) -> Message:
    """The values in `data`. Fields that the table does not name are skipped: newer Terraforms send more."""
    fields = BY_NUMBER[message]
    values: Message = {field.name: [] for field in FIELDS[message] if field.repeated}
    for number, raw in _read_fields(data):
        field = fields.get(number)
        if field is None:
            continue
        value = _value(field.kind, raw)
        if field.repeated:
            values[field.name].append(value)
        else:
            values[field.name] = value
    return values


def _value(kind: str, raw: int | bytes) -> Any:
    if isinstance(raw, int):
        return bool(raw) if kind == "bool" else raw
    if kind == "bytes":
        return raw
    return raw.decode() if kind == "string" else decode(kind, raw)


def _read_fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == VARINT:
            value, at = _read_varint(data, at)
            yield number, value
            continue
        length, at = _length(data, at, wire_type)
        if at + length > len(data):
            raise UnreadableMessageError(f"field {number} ends after the message")
        yield number, data[at : at + length]
        at += length


def _length(data: bytes, at: int, wire_type: int) -> tuple[int, int]:
    if wire_type == BYTES:
        return _read_varint(data, at)
    if wire_type in (FIXED32, FIXED64):
        return (4 if wire_type == FIXED32 else 8), at
    raise UnreadableMessageError(f"wire type {wire_type}")


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        if at >= len(data):
            raise UnreadableMessageError("a number ends after the message")
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
