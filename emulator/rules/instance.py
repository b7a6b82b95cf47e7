"""Virtual machines."""

from emulator.core.attachments import as_block, attachments_of, block_disk, first, users_of
from emulator.core.errors import CloudError, already_exists, in_use, not_found
from emulator.core.ids import ATTACHMENT, DISK, INSTANCE, last, link, zone_id
from emulator.core.store import CloudResource, Json
from emulator.rules.base import Context, Rules
from emulator.rules.checks import check_zone, scoped
from emulator.rules.machine_shape import bundled_ssds, check_boot_image, check_disk_types, check_shape


class InstanceRules(Rules):
    def check(self, context: Context, resource: CloudResource) -> None:
        where = scoped(resource)
        check_zone(where)
        check_shape(where, resource.state)
        check_boot_image(resource.state)
        if not _boot_block_source(resource) and context.store.get(DISK, _boot_disk_id(resource)):
            raise already_exists(_boot_disk_id(resource))
        for disk in _named_disks(resource):
            _check_free(context, disk)
        check_disk_types(resource.state, _types_of(context, _named_disks(resource)))
        _check_address(context, resource)

    def accepted(self, context: Context, resource: CloudResource) -> None:
        super().accepted(context, resource)
        resource.cloud |= {"status": "PROVISIONING", "boots": 0, "guest_attributes": {}}
        if "instance_id" in resource.state:
            resource.state["instance_id"] = str(resource.number)
        self._make_boot_disk(context, resource)
        for card in resource.state.get("network_interface") or []:
            card["network_ip"] = card.get("network_ip") or context.addresses.internal(scoped(resource).zone)
        give_address(context, resource)

    def created(self, context: Context, resource: CloudResource) -> None:
        if resource.state.get("desired_status") in ("TERMINATED", "SUSPENDED"):
            power_off(context, resource)
        else:
            power_on(context, resource)

    def check_update(self, context: Context, resource: CloudResource, state: Json) -> None:
        check_shape(scoped(resource), state)
        check_disk_types(
            state, _types_of(context, [attached.disk for attached in attachments_of(context.store, resource)])
        )
        for disk in {block_disk(block, resource.id) for block in state.get("attached_disk") or []}:
            if resource.id not in users_of(context.store, disk):
                _check_free(context, disk)

    def updated(self, context: Context, resource: CloudResource, state: Json) -> None:
        before, resource.state = resource.state, {**state, "attached_disk": _own_blocks(resource, state)}
        running = resource.cloud["status"] == "RUNNING"
        if state.get("desired_status") == "TERMINATED" and running:
            power_off(context, resource)
        elif state.get("desired_status") == "RUNNING" and not running:
            power_on(context, resource)
        elif running and state.get("machine_type") != before.get("machine_type"):
            # Google changes the type of a stopped machine only, so the provider stopped and started it.
            power_on(context, resource)

    def deleted(self, context: Context, resource: CloudResource) -> None:
        for attachment in attachments_of(context.store, resource):
            if attachment.boot and attachment.auto_delete and (disk := context.store.get(DISK, attachment.disk)):
                context.store.delete(disk)
        for attached in context.store.all(ATTACHMENT, f"{resource.id}/"):
            context.store.delete(attached)

    def present(self, context: Context, resource: CloudResource) -> Json:
        state = {**resource.state, "current_status": resource.cloud["status"]}
        state["scratch_disk"] = resource.state.get("scratch_disk") or bundled_ssds(resource.state)
        state["attached_disk"] = list(resource.state.get("attached_disk") or [])
        # Google's provider reads every attached disk back, also one that another resource attached.
        known = {block_disk(block, resource.id) for block in state["attached_disk"]}
        others = [a for a in attachments_of(context.store, resource) if not a.boot and a.disk not in known]
        state["attached_disk"] += [as_block(attachment) for attachment in others]
        resource.cloud["presented"] = sorted({attachment.disk for attachment in others} | known)
        context.store.put(resource)
        return state

    def _make_boot_disk(self, context: Context, resource: CloudResource) -> None:
        disk_id = _boot_disk_id(resource)
        resource.cloud["boot_disk"] = disk_id
        if _boot_block_source(resource):
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


def power_on(context: Context, resource: CloudResource) -> None:
    """It boots: with an address where it had none."""
    give_address(context, resource)
    resource.cloud |= {"status": "RUNNING", "started": context.now(), "boots": resource.cloud["boots"] + 1}


def power_off(context: Context, resource: CloudResource) -> None:
    """An address that is not a static one is given back, as Google does."""
    resource.cloud |= {"status": "TERMINATED", "stopped": context.now()}
    if resource.cloud.get("ephemeral"):
        resource.cloud["nat_ip"] = None
        for access in _access_configs(resource):
            access["nat_ip"] = ""


def give_address(context: Context, resource: CloudResource) -> None:
    for access in _access_configs(resource):
        if not access.get("nat_ip"):
            access["nat_ip"] = context.addresses.public()
            resource.cloud["ephemeral"] = True
        resource.cloud["nat_ip"] = access["nat_ip"]


def _access_configs(resource: CloudResource) -> list[Json]:
    cards = resource.state.get("network_interface") or []
    return [access for card in cards for access in card.get("access_config") or []]


def _boot_block_source(resource: CloudResource) -> str:
    return str(first(resource.state, "boot_disk").get("source") or "") if _has_own_boot_disk(resource) else ""


def _has_own_boot_disk(resource: CloudResource) -> bool:
    return not first(resource.state, "boot_disk").get("initialize_params")


def _boot_disk_id(resource: CloudResource) -> str:
    source = _boot_block_source(resource)
    if source:
        return block_disk({"source": source}, resource.id)
    name = first(first(resource.state, "boot_disk"), "initialize_params").get("disk_name")
    return f"{zone_id(resource.id)}/disks/{name or last(resource.id)}"


def _named_disks(resource: CloudResource) -> list[str]:
    blocks = list(resource.state.get("attached_disk") or [])
    if source := _boot_block_source(resource):
        blocks.append({"source": source})
    return [block_disk(block, resource.id) for block in blocks]


def _types_of(context: Context, disks: list[str]) -> list[str]:
    found = [context.store.get(DISK, disk) for disk in disks]
    return [last(str(disk.state.get("type") or "pd-standard")) for disk in found if disk]


def _check_free(context: Context, disk: str) -> None:
    if context.store.get(DISK, disk) is None:
        raise not_found(disk)
    for user in users_of(context.store, disk):
        raise in_use("disk", disk, user)


def _check_address(context: Context, resource: CloudResource) -> None:
    wanted = {access.get("nat_ip") for access in _access_configs(resource)} - {None, ""}
    for machine in context.store.all(INSTANCE):
        if machine.cloud.get("nat_ip") in wanted:
            text = f"IP '{machine.cloud['nat_ip']}' is already being used by another resource."
            raise CloudError(
                400,
                text,
                "IP_IN_USE_BY_ANOTHER_RESOURCE",
                raw=f"Error waiting for instance to create: {text} (IP_IN_USE_BY_ANOTHER_RESOURCE)",
            )


def _own_blocks(resource: CloudResource, state: Json) -> list[Json]:
    """The disks the machine itself attaches from now on.

    Terraform sends back what it read, other resources' attachments included (`ignore_changes`): those are not orders.
    """
    own = {block_disk(block, resource.id) for block in resource.state.get("attached_disk") or []}
    foreign = set(resource.cloud.get("presented", ())) - own
    return [block for block in state.get("attached_disk") or [] if block_disk(block, resource.id) not in foreign]
