"""Machines as the Compute Engine API shows them."""

from emulator.core.accelerators import of_machine
from emulator.core.attachments import attachments_of, first
from emulator.core.ids import DISK, Scoped, last, link, relative, zone_id
from emulator.core.store import CloudResource, Json
from emulator.rules import time_limit
from emulator.rules.base import Context
from emulator.rules.checks import effective_labels, scoped
from emulator.views.common import fingerprint, head, network_link, without_empty


def instance_view(context: Context, resource: CloudResource) -> Json:
    where, state = scoped(resource), resource.state
    metadata = [{"key": key, "value": str(value)} for key, value in sorted((state.get("metadata") or {}).items())]
    tags, labels = sorted(state.get("tags") or []), effective_labels(state)
    zone = link(zone_id(resource.id))
    view = {
        **head("instance", resource, where.name),
        "description": state.get("description"),
        "zone": zone,
        "machineType": f"{zone}/machineTypes/{last(str(state.get('machine_type') or ''))}",
        "status": resource.cloud["status"],
        "cpuPlatform": "Unknown CPU Platform" if resource.cloud["status"] == "TERMINATED" else "Intel Broadwell",
        "canIpForward": bool(state.get("can_ip_forward")),
        "deletionProtection": bool(state.get("deletion_protection")),
        "startRestricted": False,
        "disks": _disks(context, resource),
        "networkInterfaces": _interfaces(where, state),
        "metadata": without_empty(
            {"kind": "compute#metadata", "fingerprint": fingerprint("metadata", metadata), "items": metadata}
        ),
        "tags": without_empty({"fingerprint": fingerprint("tags", tags), "items": tags}),
        "labels": labels,
        "labelFingerprint": fingerprint("labels", labels),
        "fingerprint": fingerprint("instance", resource.number, state),
        "scheduling": _scheduling(state),
        "resourceStatus": without_empty(
            {"scheduling": without_empty({"terminationTimestamp": resource.cloud.get(time_limit.TERMINATES)})}
        ),
        "serviceAccounts": [
            {"email": account["email"], "scopes": sorted(account.get("scopes") or [])}
            for account in state.get("service_account") or []
            if account.get("email")
        ],
        "guestAccelerators": _accelerators(zone, state),
        "lastStartTimestamp": resource.cloud.get("started"),
        "lastStopTimestamp": resource.cloud.get("stopped"),
        "lastSuspendedTimestamp": resource.cloud.get("suspended"),
    }
    return without_empty(view)


def guest_attributes_view(resource: CloudResource, query_path: str, variable_key: str) -> Json | None:
    """None where nothing has been published under that path or key."""
    values: dict[str, str] = resource.cloud.get("guest_attributes") or {}
    answer: Json = {"kind": "compute#guestAttributes", "selfLink": f"{link(resource.id)}/guestAttributes/{query_path}"}
    if variable_key:
        value = values.get(variable_key)
        return None if value is None else {**answer, "variableKey": variable_key, "variableValue": value}
    wanted = query_path.rstrip("/")
    items = [
        {"namespace": key.partition("/")[0], "key": key.partition("/")[2], "value": value}
        for key, value in sorted(values.items())
        if not wanted or key == wanted or key.startswith(f"{wanted}/")
    ]
    return {**answer, "queryPath": query_path, "queryValue": {"items": items}} if items else None


def serial_port_view(resource: CloudResource, start: int, contents: str, next_start: int) -> Json:
    """`next` is where a later call can go on."""
    return {
        "kind": "compute#serialPortOutput",
        "selfLink": f"{link(resource.id)}/serialPort",
        "contents": contents,
        "start": str(start),
        "next": str(next_start),
    }


def _disks(context: Context, resource: CloudResource) -> list[Json]:
    views = []
    for index, attachment in enumerate(attachments_of(context.store, resource)):
        disk = context.store.get(DISK, attachment.disk)
        view = {
            "kind": "compute#attachedDisk",
            "type": "PERSISTENT",
            "mode": attachment.mode,
            "source": link(attachment.disk),
            "deviceName": attachment.device_name,
            "index": index,
            "boot": attachment.boot,
            "autoDelete": attachment.auto_delete,
            "interface": "SCSI",
            "diskSizeGb": str(disk.state.get("size") or 10) if disk else None,
        }
        views.append(without_empty(view))
    return views


def _interfaces(where: Scoped, state: Json) -> list[Json]:
    cards = state.get("network_interface") or []
    return [_interface(where, number, card) for number, card in enumerate(cards)]


def _interface(where: Scoped, number: int, card: Json) -> Json:
    subnetwork = str(card.get("subnetwork") or "")
    if subnetwork and "/" not in subnetwork:
        subnetwork = f"projects/{where.project}/regions/{where.region}/subnetworks/{subnetwork}"
    accesses = [
        without_empty(
            {
                "kind": "compute#accessConfig",
                "type": "ONE_TO_ONE_NAT",
                "name": "external-nat",
                "natIP": access.get("nat_ip"),
                "networkTier": access.get("network_tier") or "PREMIUM",
            }
        )
        for access in card.get("access_config") or []
    ]
    return without_empty(
        {
            "kind": "compute#networkInterface",
            "name": f"nic{number}",
            "network": network_link(where.project, card.get("network")),
            "subnetwork": link(relative(subnetwork)) if subnetwork else "",
            "networkIP": card.get("network_ip"),
            "stackType": card.get("stack_type") or "IPV4_ONLY",
            "fingerprint": fingerprint("nic", number, card),
            "accessConfigs": accesses,
        }
    )


def _scheduling(state: Json) -> Json:
    block = first(state, "scheduling")
    is_spot = block.get("provisioning_model") == "SPOT" or bool(block.get("preemptible"))
    restarts = block.get("automatic_restart")
    return without_empty(
        {
            "onHostMaintenance": block.get("on_host_maintenance") or ("TERMINATE" if is_spot else "MIGRATE"),
            "automaticRestart": not is_spot if restarts is None else bool(restarts),
            "preemptible": is_spot,
            "provisioningModel": "SPOT" if is_spot else "STANDARD",
            "instanceTerminationAction": block.get("instance_termination_action"),
            "maxRunDuration": time_limit.view(state),
        }
    )


def _accelerators(zone: str, state: Json) -> list[Json]:
    return [
        {"acceleratorType": f"{zone}/acceleratorTypes/{name}", "acceleratorCount": count}
        for name, count in of_machine(state)
    ]
