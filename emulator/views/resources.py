"""Disks, addresses and operations as the Compute Engine API shows them."""

from http import HTTPStatus

from emulator.core.attachments import users_of
from emulator.core.ids import last, link, parse_id, zone_id
from emulator.core.store import CloudResource, Json
from emulator.rules.address import users_of_address
from emulator.rules.base import Context
from emulator.rules.checks import effective_labels, scoped
from emulator.views.common import fingerprint, head, network_link, without_empty


def disk_view(context: Context, resource: CloudResource) -> Json:
    state, labels = resource.state, effective_labels(resource.state)
    zone = link(zone_id(resource.id))
    return without_empty(
        {
            **head("disk", resource, scoped(resource).name),
            "description": state.get("description"),
            "zone": zone,
            "sizeGb": str(state.get("size") or 10),
            "type": f"{zone}/diskTypes/{last(str(state.get('type') or 'pd-standard'))}",
            "status": "CREATING" if resource.cloud["status"] == "CREATING" else "READY",
            "users": [link(user) for user in users_of(context.store, resource.id)],
            "labels": labels,
            "labelFingerprint": fingerprint("labels", labels),
            "physicalBlockSizeBytes": "4096",
            "sourceSnapshot": _snapshot_link(resource),
        }
    )


def snapshot_view(context: Context, resource: CloudResource) -> Json:
    state, cloud, labels = resource.state, resource.cloud, effective_labels(resource.state)
    is_made, is_measured = cloud["status"] == "READY", "storage_bytes" in cloud
    return without_empty(
        {
            **head("snapshot", resource, scoped(resource).name),
            "description": state.get("description"),
            "status": "READY" if is_made else "CREATING",
            "sourceDisk": link(cloud["source_disk"]),
            "sourceDiskId": cloud["source_disk_number"],
            "diskSizeGb": str(cloud["disk_size_gb"]),
            "storageBytes": str(cloud["storage_bytes"]) if is_measured else None,
            "storageBytesStatus": "UP_TO_DATE" if is_measured else "UPDATING",
            "storageLocations": cloud["storage_locations"],
            "snapshotType": "STANDARD",
            "labels": labels,
            "labelFingerprint": fingerprint("labels", labels),
        }
    )


def _snapshot_link(disk: CloudResource) -> str | None:
    name = disk.state.get("snapshot")
    return link(f"projects/{scoped(disk).project}/global/snapshots/{last(str(name))}") if name else None


def address_view(context: Context, resource: CloudResource) -> Json:
    where, state = scoped(resource), resource.state
    labels = effective_labels(state)
    users = [link(user) for user in users_of_address(context, resource)]
    is_internal = state.get("address_type") == "INTERNAL"
    return without_empty(
        {
            **head("address", resource, where.name),
            "description": state.get("description"),
            "address": state.get("address"),
            "addressType": "INTERNAL" if is_internal else "EXTERNAL",
            "network": network_link(where.project, state["network"]) if state.get("network") else None,
            "networkTier": state.get("network_tier") or "PREMIUM",
            "region": link(f"projects/{where.project}/regions/{where.region}"),
            "status": "IN_USE" if users else ("RESERVING" if resource.cloud["status"] == "RESERVING" else "RESERVED"),
            "users": users,
            "labels": labels,
            "labelFingerprint": fingerprint("labels", labels),
        }
    )


def operation_view(body: Json, user: str) -> Json:
    target = parse_id(body["target"])
    scope = f"projects/{target.project}/{target.scope}" if target else "projects/unknown/global"
    view: Json = {
        "kind": "compute#operation",
        "id": body["number"],
        "name": body["name"],
        "operationType": body["kind"],
        "targetLink": link(body["target"]),
        "targetId": body["target_number"],
        "status": body["status"],
        "user": body.get("user") or user,
        "progress": body["progress"],
        "insertTime": body["inserted"],
        "startTime": body["inserted"],
        "selfLink": link(f"{scope}/operations/{body['name']}"),
    }
    if "ended" in body:
        view["endTime"] = body["ended"]
    if target and target.zone:
        view["zone"] = link(scope)
    elif target and target.region:
        view["region"] = link(scope)
    return view | _failure(body.get("error"))


def _failure(error: Json | None) -> Json:
    if not error:
        return {}
    said = {"code": error["code"], "message": error["message"]}
    return {
        "error": {"errors": [without_empty({**said, "errorDetails": error.get("details")})]},
        "httpErrorStatusCode": error["http"],
        "httpErrorMessage": HTTPStatus(error["http"]).phrase.upper(),
    }
