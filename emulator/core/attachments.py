"""Which disks are attached to which machines, by blocks of the machine or by separate attachments."""

from dataclasses import dataclass

from emulator.core.ids import ATTACHMENT, INSTANCE, disk_id, disk_of_attachment, link, zone_id
from emulator.core.store import CloudResource, Json, Store


@dataclass(frozen=True)
class Attachment:
    disk: str
    device_name: str
    mode: str
    boot: bool = False
    auto_delete: bool = False


def attachments_of(store: Store, instance: CloudResource) -> list[Attachment]:
    """The attachments of a machine in Google's order, boot disk first."""
    found = []
    if boot := instance.cloud.get("boot_disk"):
        block = first(instance.state, "boot_disk")
        keep = block.get("auto_delete") is False
        found.append(Attachment(boot, block.get("device_name") or "persistent-disk-0", "READ_WRITE", True, not keep))
    blocks = [(block_disk(block, instance.id), block) for block in instance.state.get("attached_disk") or []]
    links = [(disk_of_attachment(resource.id), resource.state) for resource in store.all(ATTACHMENT, f"{instance.id}/")]
    for number, (disk, settings) in enumerate(blocks + links, 1):
        name = settings.get("device_name") or f"persistent-disk-{number}"
        found.append(Attachment(disk, name, settings.get("mode") or "READ_WRITE"))
    return found


def users_of(store: Store, disk: str) -> list[str]:
    """IDs of the machines that a disk is attached to."""
    machines = store.all(INSTANCE, f"{zone_id(disk)}/")
    return [machine.id for machine in machines if any(a.disk == disk for a in attachments_of(store, machine))]


def block_disk(block: Json, instance: str) -> str:
    return disk_id(str(block.get("source", "")), zone_id(instance))


def as_block(attachment: Attachment) -> Json:
    """The attachment as Terraform's `attached_disk` block, as Google's provider reads it back."""
    return {"source": link(attachment.disk), "device_name": attachment.device_name, "mode": attachment.mode}


def first(state: Json, block: str) -> Json:
    """The first of a list of blocks, or an empty block."""
    blocks = state.get(block) or [{}]
    return dict(blocks[0] or {})
