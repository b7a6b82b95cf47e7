"""The disks of a machine."""

from emulator.core.attachments import block_disk, first, users_of
from emulator.core.errors import in_use, not_found
from emulator.core.ids import DISK, last, link, zone_id
from emulator.core.store import CloudResource, Json
from emulator.rules.base import Context
from emulator.rules.checks import effective_labels, scoped


def make_boot_disk(context: Context, resource: CloudResource) -> None:
    disk_id = boot_disk_id(resource)
    resource.cloud["boot_disk"] = disk_id
    if boot_block_source(resource):
        return
    params = first(first(resource.state, "boot_disk"), "initialize_params")
    state = {
        "id": disk_id,
        "name": last(disk_id),
        "project": scoped(resource).project,
        "zone": scoped(resource).zone,
        "size": params.get("size") or 10,
        "type": params.get("type") or "pd-standard",
        "image": params.get("image"),
        "snapshot": params.get("snapshot"),
        # Only its own: Google does not hand a machine's labels on to the disks made with it.
        "effective_labels": params.get("labels") or {},
        "self_link": link(disk_id),
    }
    cloud = {"status": "READY", "created": resource.cloud["created"]}
    context.store.put(CloudResource(DISK, disk_id, state, cloud=cloud))
    for block in resource.state.get("boot_disk") or []:
        block["source"] = link(disk_id)


def presented_boot_disk(context: Context, machine: CloudResource) -> list[Json]:
    """The blocks of the boot disk, with its current size and labels."""
    blocks = machine.state.get("boot_disk") or []
    disk = context.store.get(DISK, str(machine.cloud.get("boot_disk")))
    if disk is None or has_own_boot_disk(machine):
        return blocks
    found = {"size": disk.state["size"], "labels": effective_labels(disk.state)}
    return [{**block, "initialize_params": [first(block, "initialize_params") | found]} for block in blocks]


def boot_block_source(resource: CloudResource) -> str:
    return str(first(resource.state, "boot_disk").get("source") or "") if has_own_boot_disk(resource) else ""


def has_own_boot_disk(resource: CloudResource) -> bool:
    return not first(resource.state, "boot_disk").get("initialize_params")


def boot_disk_id(resource: CloudResource) -> str:
    source = boot_block_source(resource)
    if source:
        return block_disk({"source": source}, resource.id)
    name = first(first(resource.state, "boot_disk"), "initialize_params").get("disk_name")
    return f"{zone_id(resource.id)}/disks/{name or last(resource.id)}"


def named_disks(resource: CloudResource) -> list[str]:
    blocks = list(resource.state.get("attached_disk") or [])
    if source := boot_block_source(resource):
        blocks.append({"source": source})
    return [block_disk(block, resource.id) for block in blocks]


def types_of(context: Context, disks: list[str]) -> list[str]:
    found = [context.store.get(DISK, disk) for disk in disks]
    return [last(str(disk.state.get("type") or "pd-standard")) for disk in found if disk]


def check_free(context: Context, disk: str) -> None:
    if context.store.get(DISK, disk) is None:
        raise not_found(disk)
    for user in users_of(context.store, disk):
        raise in_use("disk", disk, user)


def own_blocks(resource: CloudResource, state: Json) -> list[Json]:
    """The disks the machine itself attaches from now on.

    Terraform sends back what it read, other resources' attachments included (`ignore_changes`): those are not orders.
    """
    own = {block_disk(block, resource.id) for block in resource.state.get("attached_disk") or []}
    foreign = set(resource.cloud.get("presented", ())) - own
    return [block for block in state.get("attached_disk") or [] if block_disk(block, resource.id) not in foreign]
