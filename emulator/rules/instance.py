"""Virtual machines."""

from ..attachments import as_block, attachments_of, block_disk, first, users_of
from ..errors import CloudError, already_exists, in_use, not_found
from ..ids import ATTACHMENT, DISK, INSTANCE, last, link, zone_id
from ..store import CloudObject, Json
from .checks import check_zone, scoped
from .kind import Kind, World
from .machine_shape import bundled_ssds, check_boot_image, check_disk_types, check_shape


class InstanceKind(Kind):
    def check(self, world: World, thing: CloudObject) -> None:
        where = scoped(thing)
        check_zone(where)
        check_shape(where, thing.state)
        check_boot_image(thing.state)
        if not _boot_block_source(thing) and world.store.get(DISK, _boot_disk_id(thing)):
            raise already_exists(_boot_disk_id(thing))
        for disk in _named_disks(thing):
            _check_free(world, disk)
        check_disk_types(thing.state, _types_of(world, _named_disks(thing)))
        _check_address(world, thing)

    def accepted(self, world: World, thing: CloudObject) -> None:
        super().accepted(world, thing)
        thing.cloud |= {"status": "PROVISIONING", "boots": 0, "guest_attributes": {}}
        if "instance_id" in thing.state:
            thing.state["instance_id"] = str(thing.number)
        self._make_boot_disk(world, thing)
        for card in thing.state.get("network_interface") or []:
            card["network_ip"] = card.get("network_ip") or world.addresses.internal(scoped(thing).zone)
        give_address(world, thing)

    def created(self, world: World, thing: CloudObject) -> None:
        if thing.state.get("desired_status") in ("TERMINATED", "SUSPENDED"):
            power_off(world, thing)
        else:
            power_on(world, thing)

    def check_update(self, world: World, thing: CloudObject, state: Json) -> None:
        check_shape(scoped(thing), state)
        check_disk_types(state, _types_of(world, [attached.disk for attached in attachments_of(world.store, thing)]))
        for disk in {block_disk(block, thing.id) for block in state.get("attached_disk") or []}:
            if thing.id not in users_of(world.store, disk):
                _check_free(world, disk)

    def updated(self, world: World, thing: CloudObject, state: Json) -> None:
        before, thing.state = thing.state, {**state, "attached_disk": _own_blocks(thing, state)}
        running = thing.cloud["status"] == "RUNNING"
        if state.get("desired_status") == "TERMINATED" and running:
            power_off(world, thing)
        elif state.get("desired_status") == "RUNNING" and not running:
            power_on(world, thing)
        elif running and state.get("machine_type") != before.get("machine_type"):
            # Google changes the type of a stopped machine only, so the provider stopped and started it.
            power_on(world, thing)

    def deleted(self, world: World, thing: CloudObject) -> None:
        for attachment in attachments_of(world.store, thing):
            if attachment.boot and attachment.auto_delete and (disk := world.store.get(DISK, attachment.disk)):
                world.store.delete(disk)
        for attached in world.store.all(ATTACHMENT, f"{thing.id}/"):
            world.store.delete(attached)

    def present(self, world: World, thing: CloudObject) -> Json:
        state = {**thing.state, "current_status": thing.cloud["status"]}
        state["scratch_disk"] = thing.state.get("scratch_disk") or bundled_ssds(thing.state)
        state["attached_disk"] = list(thing.state.get("attached_disk") or [])
        # Google's provider reads every attached disk back, also one that another resource attached.
        known = {block_disk(block, thing.id) for block in state["attached_disk"]}
        others = [a for a in attachments_of(world.store, thing) if not a.boot and a.disk not in known]
        state["attached_disk"] += [as_block(attachment) for attachment in others]
        thing.cloud["presented"] = sorted({attachment.disk for attachment in others} | known)
        world.store.put(thing)
        return state

    def _make_boot_disk(self, world: World, thing: CloudObject) -> None:
        disk_id = _boot_disk_id(thing)
        thing.cloud["boot_disk"] = disk_id
        if _boot_block_source(thing):
            return
        params = first(first(thing.state, "boot_disk"), "initialize_params")
        state = {
            "id": disk_id,
            "name": last(disk_id),
            "project": scoped(thing).project,
            "zone": scoped(thing).zone,
            "size": params.get("size") or 10,
            "type": params.get("type") or "pd-standard",
            "image": params.get("image"),
            "snapshot": params.get("snapshot"),
            # Only its own: Google does not hand a machine's labels on to the disks made with it.
            "effective_labels": params.get("labels") or {},
            "self_link": link(disk_id),
        }
        cloud = {"status": "READY", "created": thing.cloud["created"]}
        world.store.put(CloudObject(DISK, disk_id, state, cloud=cloud))
        for block in thing.state.get("boot_disk") or []:
            block["source"] = link(disk_id)


def power_on(world: World, thing: CloudObject) -> None:
    """It boots: with an address where it had none."""
    give_address(world, thing)
    thing.cloud |= {"status": "RUNNING", "started": world.now(), "boots": thing.cloud["boots"] + 1}


def power_off(world: World, thing: CloudObject) -> None:
    """An address that is not a static one is given back, as Google does."""
    thing.cloud |= {"status": "TERMINATED", "stopped": world.now()}
    if thing.cloud.get("ephemeral"):
        thing.cloud["nat_ip"] = None
        for access in _access_configs(thing):
            access["nat_ip"] = ""


def give_address(world: World, thing: CloudObject) -> None:
    for access in _access_configs(thing):
        if not access.get("nat_ip"):
            access["nat_ip"] = world.addresses.public()
            thing.cloud["ephemeral"] = True
        thing.cloud["nat_ip"] = access["nat_ip"]


def _access_configs(thing: CloudObject) -> list[Json]:
    cards = thing.state.get("network_interface") or []
    return [access for card in cards for access in card.get("access_config") or []]


def _boot_block_source(thing: CloudObject) -> str:
    return str(first(thing.state, "boot_disk").get("source") or "") if _has_own_boot_disk(thing) else ""


def _has_own_boot_disk(thing: CloudObject) -> bool:
    return not first(thing.state, "boot_disk").get("initialize_params")


def _boot_disk_id(thing: CloudObject) -> str:
    source = _boot_block_source(thing)
    if source:
        return block_disk({"source": source}, thing.id)
    name = first(first(thing.state, "boot_disk"), "initialize_params").get("disk_name")
    return f"{zone_id(thing.id)}/disks/{name or last(thing.id)}"


def _named_disks(thing: CloudObject) -> list[str]:
    blocks = list(thing.state.get("attached_disk") or [])
    if source := _boot_block_source(thing):
        blocks.append({"source": source})
    return [block_disk(block, thing.id) for block in blocks]


def _types_of(world: World, disks: list[str]) -> list[str]:
    found = [world.store.get(DISK, disk) for disk in disks]
    return [last(str(disk.state.get("type") or "pd-standard")) for disk in found if disk]


def _check_free(world: World, disk: str) -> None:
    if world.store.get(DISK, disk) is None:
        raise not_found(disk)
    for user in users_of(world.store, disk):
        raise in_use("disk", disk, user)


def _check_address(world: World, thing: CloudObject) -> None:
    wanted = {access.get("nat_ip") for access in _access_configs(thing)} - {None, ""}
    for machine in world.store.all(INSTANCE):
        if machine.cloud.get("nat_ip") in wanted:
            text = f"IP '{machine.cloud['nat_ip']}' is already being used by another resource."
            raise CloudError(
                400,
                text,
                "IP_IN_USE_BY_ANOTHER_RESOURCE",
                raw=f"Error waiting for instance to create: {text} (IP_IN_USE_BY_ANOTHER_RESOURCE)",
            )


def _own_blocks(thing: CloudObject, state: Json) -> list[Json]:
    """The disks the machine itself attaches from now on.

    Terraform sends back what it read, other resources' attachments included (`ignore_changes`): those are not orders.
    """
    own = {block_disk(block, thing.id) for block in thing.state.get("attached_disk") or []}
    foreign = set(thing.cloud.get("presented", ())) - own
    return [block for block in state.get("attached_disk") or [] if block_disk(block, thing.id) not in foreign]
