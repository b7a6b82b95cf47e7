"""Fields that every resource has."""

import base64
import hashlib
import json

from emulator.core.ids import link, relative
from emulator.core.store import CloudResource, Json

BORN = "2014-01-01T00:00:00.000+00:00"
"""When places and machine types were made, for all anybody knows."""


def fingerprint(*parts: object) -> str:
    """Eight bytes in base64 that change with what they stand for."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return base64.b64encode(hashlib.sha256(text.encode()).digest()[:8]).decode()


def fixed_number(name: str) -> str:
    """A numeric id for resources that are not in the store."""
    return str(int.from_bytes(hashlib.sha256(name.encode()).digest()[:7]) + 10**15)


def head(kind: str, resource: CloudResource, name: str) -> Json:
    return {
        "kind": f"compute#{kind}",
        "id": str(resource.number),
        "creationTimestamp": resource.cloud.get("created", BORN),
        "name": name,
        "selfLink": link(resource.id),
    }


def fixed_head(kind: str, id_: str, name: str) -> Json:
    return {
        "kind": f"compute#{kind}",
        "id": fixed_number(id_),
        "creationTimestamp": BORN,
        "name": name,
        "selfLink": link(id_),
    }


def network_link(project: str, value: object) -> str:
    text = str(value or "default")
    if "projects/" in text:
        return link(relative(text))
    return link(f"projects/{project}/global/networks/{text}")


def without_empty(view: Json) -> Json:
    """Google leaves out what is not set."""
    return {name: value for name, value in view.items() if value not in (None, "", [], {})}
