"""Disks, addresses and operations as the Compute Engine API shows them."""

from http import HTTPStatus

from ..attachments import users_of
from ..ids import last, link, parse, zone_id
from ..rules import World
from ..rules.address import users_of_address
from ..rules.checks import effective_labels, scoped
from ..store import CloudObject, Json
from .common import fingerprint, head, network_link, without_empty


def disk_view(world: World, thing: CloudObject) -> Json:
    state, labels = thing.state, effective_labels(thing.state)
    zone = link(zone_id(thing.id))
    return without_empty(
        {
            **head("disk", thing, scoped(thing).name),
            "description": state.get("description"),
            "zone": zone,
            "sizeGb": str(state.get("size") or 10),
            "type": f"{zone}/diskTypes/{last(str(state.get('type') or 'pd-standard'))}",
            "status": "CREATING" if thing.cloud["status"] == "CREATING" else "READY",
            "users": [link(user) for user in users_of(world.store, thing.id)],
            "labels": labels,
            "labelFingerprint": fingerprint("labels", labels),
            "physicalBlockSizeBytes": "4096",
        }
    )


def address_view(world: World, thing: CloudObject) -> Json:
    where, state = scoped(thing), thing.state
    labels = effective_labels(state)
    users = [link(user) for user in users_of_address(world, thing)]
    is_internal = state.get("address_type") == "INTERNAL"
    return without_empty(
        {
            **head("address", thing, where.name),
            "description": state.get("description"),
            "address": state.get("address"),
            "addressType": "INTERNAL" if is_internal else "EXTERNAL",
            "network": network_link(where.project, state["network"]) if state.get("network") else None,
            "networkTier": state.get("network_tier") or "PREMIUM",
            "region": link(f"projects/{where.project}/regions/{where.region}"),
            "status": "IN_USE" if users else ("RESERVING" if thing.cloud["status"] == "RESERVING" else "RESERVED"),
            "users": users,
            "labels": labels,
            "labelFingerprint": fingerprint("labels", labels),
        }
    )


def operation_view(body: Json, user: str) -> Json:
    target = parse(body["target"])
    scope = f"projects/{target.project}/{target.scope}" if target else "projects/unknown/global"
    view: Json = {
        "kind": "compute#operation",
        "id": body["number"],
        "name": body["name"],
        "operationType": body["kind"],
        "targetLink": link(body["target"]),
        "targetId": body["target_number"],
        "status": body["status"],
        "user": user,
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
    return {
        "error": {"errors": [{"code": error["code"], "message": error["message"]}]},
        "httpErrorStatusCode": error["http"],
        "httpErrorMessage": HTTPStatus(error["http"]).phrase.upper(),
    }
