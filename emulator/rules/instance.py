"""Virtual machines."""

from emulator.core.attachments import as_block, attachments_of, block_disk
from emulator.core.errors import CloudError, already_exists
from emulator.core.ids import ATTACHMENT, DISK, INSTANCE
from emulator.core.store import CloudResource, Json
from emulator.rules import time_limit
from emulator.rules.base import Context, Rules
from emulator.rules.checks import check_zone, scoped
from emulator.rules.instance_disks import (
    boot_block_source,
    boot_disk_id,
    check_free,
    make_boot_disk,
    named_disks,
    presented_boot_disk,
    types_of,
)
from emulator.rules.instance_power import access_configs, give_address, power_off, power_on
from emulator.rules.instance_update import update
from emulator.rules.machine_shape import check_boot_image, check_disk_types, check_shape, local_ssds


class InstanceRules(Rules):
    def check(self, context: Context, resource: CloudResource) -> None:
        where = scoped(resource)
        check_zone(where)
        check_shape(where, resource.state)
        time_limit.check_limit(resource.state)
        check_boot_image(resource.state)
        if not boot_block_source(resource) and context.store.get(DISK, boot_disk_id(resource)):
            raise already_exists(boot_disk_id(resource))
        for disk in named_disks(resource):
            check_free(context, disk)
        check_disk_types(resource.state, types_of(context, named_disks(resource)))
        _check_address(context, resource)

    def accepted(self, context: Context, resource: CloudResource) -> None:
        super().accepted(context, resource)
        resource.cloud |= {"status": "PROVISIONING", "boots": 0, "guest_attributes": {}}
        if "instance_id" in resource.state:
            resource.state["instance_id"] = str(resource.number)
        make_boot_disk(context, resource)
        for card in resource.state.get("network_interface") or []:
            card["network_ip"] = card.get("network_ip") or context.addresses.internal(scoped(resource).zone)
        give_address(context, resource)

    def created(self, context: Context, resource: CloudResource) -> None:
        if resource.state.get("desired_status") in ("TERMINATED", "SUSPENDED"):
            power_off(context, resource)
        else:
            power_on(context, resource)

    def updated(self, context: Context, resource: CloudResource, state: Json) -> None:
        update(context, resource, state)

    def deleted(self, context: Context, resource: CloudResource) -> None:
        for attachment in attachments_of(context.store, resource):
            if attachment.boot and attachment.auto_delete and (disk := context.store.get(DISK, attachment.disk)):
                context.store.delete(disk)
        for attached in context.store.all(ATTACHMENT, f"{resource.id}/"):
            context.store.delete(attached)

    def present(self, context: Context, resource: CloudResource) -> Json:
        state = {**resource.state, "current_status": resource.cloud["status"]}
        state["boot_disk"] = presented_boot_disk(context, resource)
        state["scratch_disk"] = local_ssds(resource.state)
        state["attached_disk"] = list(resource.state.get("attached_disk") or [])
        # Google's provider reads every attached disk back, also one that another resource attached.
        known = {block_disk(block, resource.id) for block in state["attached_disk"]}
        others = [a for a in attachments_of(context.store, resource) if not a.boot and a.disk not in known]
        state["attached_disk"] += [as_block(attachment) for attachment in others]
        resource.cloud["presented"] = sorted({attachment.disk for attachment in others} | known)
        context.store.put(resource)
        return state


def _check_address(context: Context, resource: CloudResource) -> None:
    wanted = {access.get("nat_ip") for access in access_configs(resource)} - {None, ""}
    for machine in context.store.all(INSTANCE):
        if machine.cloud.get("nat_ip") in wanted:
            text = f"IP '{machine.cloud['nat_ip']}' is already being used by another resource."
            raise CloudError(400, text, "IP_IN_USE_BY_ANOTHER_RESOURCE", in_operation=True)
