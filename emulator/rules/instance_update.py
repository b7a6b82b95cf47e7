"""Changes of a machine, as Google's provider makes them: one call after the other.

What an earlier call changed stays when a later one is refused, and a machine that was stopped in between stays stopped.
"""

from emulator.core.accelerators import of_machine
from emulator.core.attachments import attachments_of, block_disk, first, users_of
from emulator.core.errors import CloudError
from emulator.core.ids import DISK, last
from emulator.core.store import CloudResource, Json
from emulator.rules.base import Context
from emulator.rules.checks import scoped
from emulator.rules.disk import check_growth
from emulator.rules.instance_disks import check_free, own_blocks, types_of
from emulator.rules.instance_power import check_stop, power_off, power_on
from emulator.rules.machine_shape import check_disk_types, check_maintenance, check_type_change

CHANGED_STOPPED = (
    "advanced_machine_features",
    "enable_display",
    "machine_type",
    "min_cpu_platform",
    "service_account",
    "shielded_instance_config",
)
IN_TURN = ("attached_disk", "boot_disk", "desired_status", "network_interface", "scheduling", *CHANGED_STOPPED)
"""Set by calls of their own; all else is set before them."""


def update(context: Context, machine: CloudResource, desired: Json) -> None:
    """Raises CloudError for the first call that Google refuses."""
    before = dict(machine.state)
    machine.state |= {name: value for name, value in desired.items() if name not in IN_TURN}
    _set_scheduling(machine, desired)
    machine.state["network_interface"] = desired.get("network_interface")
    _resize_boot_disk(context, machine, desired)
    _attach_disks(context, machine, desired)
    status = desired.get("desired_status")
    if _needs_stop(before, desired):
        _change_stopped(context, machine, desired)
    elif status == "TERMINATED" and machine.cloud["status"] == "RUNNING":
        check_stop(machine)
        power_off(context, machine)
    elif status == "RUNNING" and machine.cloud["status"] != "RUNNING":
        power_on(context, machine)
    machine.state["desired_status"] = status


def _set_scheduling(machine: CloudResource, desired: Json) -> None:
    if machine.state.get("scheduling") != desired.get("scheduling"):
        check_maintenance(of_machine(machine.state), desired, prefix="Error updating scheduling policy: ")
    machine.state["scheduling"] = desired.get("scheduling")


def _resize_boot_disk(context: Context, machine: CloudResource, desired: Json) -> None:
    params = first(first(desired, "boot_disk"), "initialize_params")
    disk = context.store.get(DISK, str(machine.cloud.get("boot_disk")))
    if disk and params:
        size = int(params.get("size") or disk.state["size"])
        check_growth(disk.state, size, prefix=f'Error updating Disk "{machine.id}": ')
        disk.state |= {"size": size, "effective_labels": params.get("labels") or {}}
        context.store.put(disk)
    machine.state["boot_disk"] = desired.get("boot_disk")


def _attach_disks(context: Context, machine: CloudResource, desired: Json) -> None:
    blocks = own_blocks(machine, desired)
    new = [disk for block in blocks if machine.id not in users_of(context.store, disk := block_disk(block, machine.id))]
    try:
        for disk in new:
            check_free(context, disk)
        check_disk_types(machine.state, types_of(context, new))
    except CloudError as error:
        error.prefix = "Error attaching disk : "
        raise
    machine.state["attached_disk"] = blocks


def _needs_stop(before: Json, desired: Json) -> bool:
    if any(_essence(before, name) != _essence(desired, name) for name in CHANGED_STOPPED):
        return True
    return _networks(before) != _networks(desired)


def _change_stopped(context: Context, machine: CloudResource, desired: Json) -> None:
    status = machine.cloud["status"]
    if status == "RUNNING":
        check_stop(machine, prefix="Error stopping instance: ")
        power_off(context, machine)
    if _essence(machine.state, "machine_type") != _essence(desired, "machine_type"):
        check_type_change(scoped(machine), machine.state, str(desired.get("machine_type")))
        disks = [attached.disk for attached in attachments_of(context.store, machine)]
        check_disk_types(desired, types_of(context, disks))
    machine.state |= {name: desired.get(name) for name in CHANGED_STOPPED}
    runs_again = status == "RUNNING" and desired.get("desired_status") != "TERMINATED"
    if runs_again or desired.get("desired_status") == "RUNNING":
        power_on(context, machine)


def _essence(state: Json, name: str) -> object:
    """What of it counts as a change: links are spelt in several ways, and Google fills in what nobody set."""
    value = state.get(name)
    if name == "machine_type":
        return last(str(value or ""))
    if name == "service_account":
        return [(account.get("email"), sorted(account.get("scopes") or [])) for account in value or []]
    return value or None


def _networks(state: Json) -> list[tuple[str, str]]:
    cards = state.get("network_interface") or []
    return [(last(str(card.get("network") or "")), last(str(card.get("subnetwork") or ""))) for card in cards]
