"""Secrets as the Secret Manager API shows them: it names projects by their number."""

import base64

from emulator.core.projects import with_project_number
from emulator.core.store import CloudResource, Json
from emulator.rules.checks import effective_labels
from emulator.views.common import fingerprint, without_empty

# The Castagnoli polynomial, bit-reversed: RFC 3720, appendix B.4.
CASTAGNOLI = 0x82F63B78


def secret_view(resource: CloudResource) -> Json:
    view: Json = {
        "name": with_project_number(resource.id),
        "replication": {"automatic": {}},
        "createTime": _time(resource.cloud["created"]),
        "labels": effective_labels(resource.state),
        "annotations": resource.state.get("annotations"),
        "etag": f'"{fingerprint(resource.number, resource.state)}"',
    }
    return without_empty(view)


def version_view(resource: CloudResource) -> Json:
    view = {
        "name": with_project_number(resource.id),
        "createTime": _time(resource.cloud["created"]),
        "destroyTime": _time(resource.cloud["destroyed"]) if "destroyed" in resource.cloud else None,
        "state": resource.cloud["status"],
        "replicationStatus": {"automatic": {}},
        "clientSpecifiedPayloadChecksum": resource.cloud.get("has_checksum") or None,
        "etag": f'"{fingerprint(resource.number, resource.cloud)}"',
    }
    # An empty `automatic` says how it is replicated: it stays.
    return without_empty(view)


def payload_view(resource: CloudResource) -> Json:
    payload = payload_of(resource)
    data = base64.b64encode(payload).decode()
    return {"name": with_project_number(resource.id), "payload": {"data": data, "dataCrc32c": str(crc32c(payload))}}


def payload_of(resource: CloudResource) -> bytes:
    """As it was added: by the API in base64, by Terraform as text, or as base64 where it says so."""
    if "payload" in resource.secret:
        return base64.b64decode(resource.secret["payload"])
    text = str(resource.secret.get("secret_data_wo") or resource.state.get("secret_data") or "")
    return base64.b64decode(text) if resource.state.get("is_secret_data_base64") else text.encode()


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (CASTAGNOLI if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def _time(text: str) -> str:
    return text.replace("+00:00", "Z")
