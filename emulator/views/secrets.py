"""Secrets as the Secret Manager API shows them: it names projects by their number."""

import base64

from ..projects import with_project_number
from ..rules.checks import effective_labels
from ..store import CloudObject, Json
from .common import fingerprint, without_empty

# The Castagnoli polynomial, bit-reversed: RFC 3720, appendix B.4.
CASTAGNOLI = 0x82F63B78


def secret_view(thing: CloudObject) -> Json:
    view: Json = {
        "name": with_project_number(thing.id),
        "replication": {"automatic": {}},
        "createTime": _time(thing.cloud["created"]),
        "labels": effective_labels(thing.state),
        "annotations": thing.state.get("annotations"),
        "etag": f'"{fingerprint(thing.number, thing.state)}"',
    }
    return without_empty(view)


def version_view(thing: CloudObject) -> Json:
    view = {
        "name": with_project_number(thing.id),
        "createTime": _time(thing.cloud["created"]),
        "destroyTime": _time(thing.cloud["destroyed"]) if "destroyed" in thing.cloud else None,
        "state": thing.cloud["status"],
        "replicationStatus": {"automatic": {}},
        "clientSpecifiedPayloadChecksum": thing.cloud.get("has_checksum") or None,
        "etag": f'"{fingerprint(thing.number, thing.cloud)}"',
    }
    # An empty `automatic` says how it is replicated: it stays.
    return without_empty(view)


def payload_view(thing: CloudObject) -> Json:
    payload = payload_of(thing)
    data = base64.b64encode(payload).decode()
    return {"name": with_project_number(thing.id), "payload": {"data": data, "dataCrc32c": str(crc32c(payload))}}


def payload_of(thing: CloudObject) -> bytes:
    """As it was added: by the API in base64, by Terraform as text, or as base64 where it says so."""
    if "payload" in thing.secret:
        return base64.b64decode(thing.secret["payload"])
    text = str(thing.secret.get("secret_data_wo") or thing.state.get("secret_data") or "")
    return base64.b64decode(text) if thing.state.get("is_secret_data_base64") else text.encode()


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (CASTAGNOLI if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def _time(text: str) -> str:
    return text.replace("+00:00", "Z")
